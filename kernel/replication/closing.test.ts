import { expect, test } from 'vitest'
import { Machine, shared } from '../../test/support/machines.ts'
import { startBootstrap } from './bootstrap.ts'

test('closing does not wait for a DHT that is gone', async () => {
  const dht = await startBootstrap({ port: 0, host: '127.0.0.1' })
  const [a, b] = [new Machine([dht]), new Machine([dht])]
  const pacts = [await shared(a, b), await shared(a, b), await shared(a, b)]
  await Promise.all([a.network.start(), b.network.start()])
  await Promise.all(pacts.map(([ofA, ofB], i) => ofA.pact.note(`${i}`).then(() => ofB.pact.reads(`${i}`))))
  await dht.close()
  const start = performance.now()
  for (const [ofA] of pacts) await ofA.link.remove()
  await a.network.close()
  await b.network.close()
  expect(performance.now() - start).toBeLessThan(5_000)
  expect([a, b].map(({ network }) => network.status().connections)).toEqual([0, 0])
  await a.close()
  await b.close()
})
