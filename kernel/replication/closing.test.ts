import createTestnet from 'hyperdht/testnet.js'
import { expect, test } from 'vitest'
import { Machine, shared } from '../../test/support/machines.ts'

test('closing does not wait for a DHT that is gone', async () => {
  const dht = await createTestnet(3)
  const [a, b] = [new Machine(dht.bootstrap), new Machine(dht.bootstrap)]
  const pacts = [await shared(a, b), await shared(a, b), await shared(a, b)]
  await Promise.all([a.network.start(), b.network.start()])
  await Promise.all(pacts.map(([ofA, ofB], i) => ofA.pact.note(`${i}`).then(() => ofB.pact.reads(`${i}`))))
  await dht.destroy()
  const start = performance.now()
  for (const [ofA] of pacts) await ofA.link.remove()
  await a.network.close()
  await b.network.close()
  expect(performance.now() - start).toBeLessThan(5_000)
  expect([a, b].map(({ network }) => network.status().connections)).toEqual([0, 0])
  await a.close()
  await b.close()
})
