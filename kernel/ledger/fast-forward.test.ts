/** A fast-forward leaves a view without its older blocks. Whoever is cut off at that moment must open again and go on later. */
import { afterEach, expect, test, vi } from 'vitest'
import { fastForwardEarly } from '../../test/support/fast-forward.ts'
import { connect, type Group, group, head, type Peer, until } from '../../test/support/ledgers.ts'
import { defineRules } from '../rules.ts'
import { ACCEPTED } from './entry.ts'

fastForwardEarly()

let open: Group[] = []
afterEach(async () => {
  for (const g of open) await g.dispose()
  open = []
})

const note = (text: string) => ({ type: 'note', payload: { text }, topic: 'tests' })

/** Two peers; the second slept through 80 entries, fast-forwarded, and was cut off in the same moment. */
async function cutOffAfterFastForward(): Promise<{ a: Peer; b: Peer; own: string }> {
  const g = await group(2)
  open.push(g)
  const [a, b] = g.peers as [Peer, Peer]
  const [mine] = await b.pact.append([note('written alone')])
  for (let i = 0; i < 80; i++) await a.pact.append([note(`n${i}`)])
  const forwarded = new Promise(resolve => b.pact.base.once('fast-forward', resolve))
  const cut = connect(a.pact, b.pact)
  await forwarded
  await cut()
  return { a, b, own: mine?.id ?? '' }
}

async function agree(a: Peer, b: Peer): Promise<void> {
  connect(a.pact, b.pact)
  const same = async () => a.pact.confirmed === a.pact.length && (await head(a.pact)) === (await head(b.pact))
  await until(b.pact, same)
  // Resolves when the hooks have told everything.
  await b.pact.download()
  expect(b.events.applied.at(-1)?.position).toBe(a.pact.length - 1)
}

test('its own receipts follow the entries to where they went', async () => {
  const { a, b, own } = await cutOffAfterFastForward()
  expect(b.pact.receipt(own)?.confirmed).toBe(false)
  await agree(a, b)
  const receipt = b.pact.receipt(own)!
  expect(receipt.confirmed).toBe(true)
  expect((await b.pact.record(receipt.position))?.id).toBe(own)
  expect(receipt.verdict).toBe(ACCEPTED)
})

test('it opens again while the blocks are missing, keeps its number, and tells the rest when they come', async () => {
  const { a, b } = await cutOffAfterFastForward()
  await b.close()
  b.events = { applied: [], reverted: [], confirmed: [] }
  await b.open()
  expect(b.store.failed.size).toBe(0)
  const { length } = b.pact
  await a.pact.append([note('later')])
  await agree(a, b)
  const [receipt] = await b.pact.append([note('on')])
  expect(receipt).toMatchObject({ verdict: ACCEPTED, id: `${b.pact.writer.toString('hex', 0, 4)}-2` })
  const told = b.events.applied.map(r => r.position)
  expect(told).toEqual([...new Set(told)].sort((x, y) => x - y))
  expect(told[0]).toBeGreaterThanOrEqual(Math.min(...b.events.reverted, length))
})

test('a write that needs blocks which nobody here has does not hang its caller, and is not lost', async () => {
  const { a, b } = await cutOffAfterFastForward()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const stuck = expect(b.pact.append([note('alone')])).rejects.toMatchObject({ code: 'REPLICATION_STALLED' })
  await vi.waitUntil(() => vi.getTimerCount() > 0, { interval: 1 })
  await vi.advanceTimersByTimeAsync(30_000)
  await stuck
  vi.useRealTimers()
  await agree(a, b)
  const id = `${b.pact.writer.toString('hex', 0, 4)}-2`
  await until(b.pact, async () => b.pact.receipt(id) !== null)
  expect(b.pact.receipt(id)).toMatchObject({ verdict: ACCEPTED })
  const [next] = await b.pact.append([note('on')])
  expect(next?.id).toMatch(/-3$/)
})

test('nobody is shown state of the history that it replaced, which the peer had read before', async () => {
  const held = defineRules({
    protocol: 1,
    types: ['hold'],
    validate: async (_entry, { state }) => ((await state.get('holder')) === null ? undefined : 'taken'),
    reduce: async (entry, { state }) => state.put('holder', entry.writer),
  })
  const g = await group(2, { rules: { held }, types: ['hold'] })
  open.push(g)
  const [a, b] = g.peers as [Peer, Peer]
  const hold = { type: 'hold', payload: {} }
  const holder = (peer: Peer) => peer.pact.state('held').get<string>('holder')
  await b.pact.append([hold])
  expect(await holder(b)).toBe(b.pact.writer.toString('hex'))
  await a.pact.append([hold])
  for (let i = 0; i < 80; i++) await a.pact.append([note(`n${i}`)])
  const forwarded = new Promise(resolve => b.pact.base.once('fast-forward', resolve))
  connect(a.pact, b.pact)
  await forwarded
  await until(
    [a.pact, b.pact],
    async () => a.pact.confirmed === a.pact.length && (await head(a.pact)) === (await head(b.pact)),
  )
  expect(await holder(a)).toBe(a.pact.writer.toString('hex'))
  expect(await holder(b)).toBe(a.pact.writer.toString('hex'))
})
