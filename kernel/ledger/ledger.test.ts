import { afterEach, expect, test, vi } from 'vitest'
import { connect, type Group, group, head, until } from '../../test/support/ledgers.ts'
import { ACCEPTED } from './entry.ts'

let open: Group[] = []
const peers = async (...args: Parameters<typeof group>) => {
  const g = await group(...args)
  open.push(g)
  return g.peers
}

afterEach(async () => {
  for (const g of open) await g.dispose()
  open = []
})

const note = (text: string) => ({ type: 'note', payload: { text }, topic: 'tests' })

test('an entry is signed, linearised with a verdict, and readable when append returns', async () => {
  const [a] = await peers(1)
  const [receipt] = await a!.pact.append([note('hello')], { until: 'confirmed' })
  expect(receipt).toMatchObject({
    verdict: ACCEPTED,
    position: 1,
    confirmed: true,
    id: `${a!.pact.writer.toString('hex', 0, 4)}-2`,
  })
  const record = await a!.pact.record(1)
  expect(record?.entry?.payload.toString()).toBe('{"text":"hello"}')
  expect(record?.chain.equals(receipt!.chain)).toBe(true)
})

test('an entry is answered when it is on disk, before the base has moved it into its signed views', async () => {
  const [a] = await peers(1)
  const { base } = a!.pact
  const append = base.append.bind(base)
  let appended = false
  vi.spyOn(base, 'append').mockImplementation(async blocks => {
    const length = await append(blocks)
    appended = true
    return length
  })
  const [receipt] = await a!.pact.append([note('soon')])
  expect(appended).toBe(false)
  // A sole indexer's signature is on disk with the entry.
  expect(receipt).toMatchObject({ verdict: ACCEPTED, position: 1, confirmed: true })
  expect(base.view.log.signedLength).toBeLessThan(2)
  expect((await a!.pact.record(1))?.id).toBe(receipt!.id)

  await a!.close()
  await a!.open()
  expect((await a!.pact.record(1))?.id).toBe(receipt!.id)
  expect(a!.pact.base.view.log.signedLength).toBe(2)
})

test('64 concurrent appends give 64 right ids', async () => {
  const [a] = await peers(1)
  const receipts = await Promise.all(Array.from({ length: 64 }, (_, i) => a!.pact.append([note(`n${i}`)])))
  for (const [i, [receipt]] of receipts.entries()) {
    const record = await a!.pact.record(receipt!.position)
    expect(record?.id).toBe(receipt!.id)
    expect(record?.entry?.payload.toString()).toBe(`{"text":"n${i}"}`)
  }
})

test('two peers that wrote apart end with one chain', async () => {
  const [a, b] = await peers(2)
  await Promise.all([a!.pact.append([note('from a')]), b!.pact.append([note('from b')])])
  expect(await head(a!.pact)).not.toBe(await head(b!.pact))
  connect(a!.pact, b!.pact)
  await until(b!.pact, async () => a!.pact.length === b!.pact.length && (await head(a!.pact)) === (await head(b!.pact)))
  expect(a!.pact.length).toBe(4)
  await until(b!.pact, () => b!.pact.confirmed === 4)
})
