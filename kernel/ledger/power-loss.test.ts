import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { connect, type Group, group, head, type Peer, until } from '../../test/support/ledgers.ts'
import { ACCEPTED } from './entry.ts'

const groups: Group[] = []
async function peers(count: number): Promise<[Peer, Peer, ...Peer[]]> {
  const g = await group(count)
  groups.push(g)
  return g.peers as [Peer, Peer, ...Peer[]]
}
afterEach(async () => {
  for (const g of groups.splice(0)) await g.dispose()
})

const note = (text: string) => ({ type: 'note', payload: { text } })
const same = (a: Peer, b: Peer) => async () =>
  a.pact.length === b.pact.length && (await head(a.pact)) === (await head(b.pact))
const texts = async (peer: Peer) => {
  const found: string[] = []
  for (let i = 0; i < peer.pact.length; i++) {
    const entry = (await peer.pact.record(i))?.entry
    if (entry?.type === 'note') found.push((JSON.parse(entry.payload.toString()) as { text: string }).text)
  }
  return found
}

/** Runs `work` with the peer open, then takes its disk back to the state before and the machine to another boot. */
async function losePower(peer: Peer, work: () => Promise<void>): Promise<void> {
  const folder = join(peer.dir, 'pacts', peer.pact.id)
  const db = join(folder, 'store', 'db')
  await peer.close()
  await cp(db, `${db}.flushed`, { recursive: true })
  await peer.open()
  await work()
  const mark = await readFile(join(folder, 'met.json'), 'utf8')
  await peer.close()
  await rm(db, { recursive: true })
  await cp(`${db}.flushed`, db, { recursive: true })
  await rm(`${db}.flushed`, { recursive: true })
  await writeFile(join(folder, 'met.json'), JSON.stringify({ ...JSON.parse(mark), boot: 'the boot before' }))
  await peer.open()
}

async function shareFive(from: Peer, to: Peer): Promise<void> {
  const cut = connect(from.pact, to.pact)
  for (let i = 0; i < 5; i++) await from.pact.append([note(`before ${i}`)])
  await until(to.pact, same(from, to))
  await cut()
}

/** Joins the two until the first has its end again; it is another ledger then, on the same store. */
async function givenBack(loser: Peer, other: Peer): Promise<void> {
  const held = loser.pact
  const cut = connect(held, other.pact)
  while (held === loser.store.list()[0] || loser.store.list().length === 0) await new Promise(r => setTimeout(r, 20))
  await cut()
}

test.each([
  ['the only indexer', 0, 1],
  ['a member', 1, 0],
])('%s that lost its end to a power loss gets it back before it writes', async (_, loser, other) => {
  const all = await peers(2)
  const [a, b] = [all[loser] as Peer, all[other] as Peer]
  await losePower(a, () => shareFive(a, b))
  expect(a.pact.base.local.length).toBeLessThan(6)
  expect((await a.pact.status()).health.problems.join()).toMatch(/power was lost.*machine [0-9a-f]{8}/)
  const writing = a.pact.append([note('after')])
  await givenBack(a, b)
  expect((await writing)[0]).toMatchObject({ verdict: ACCEPTED })
  const cut = connect(a.pact, b.pact)
  await until(b.pact, same(a, b))
  expect(await texts(b)).toEqual(['before 0', 'before 1', 'before 2', 'before 3', 'before 4', 'after'])
  expect(await a.pact.status()).toMatchObject({ writable: true, health: { problems: [] } })
  await b.pact.append([note('both go on')])
  await until(a.pact, same(a, b))
  await cut()
})

test('what was fetched back and is not on the disk when the ledger is opened again is fetched once more', async () => {
  const [a, b] = await peers(2)
  await losePower(a, () => shareFive(a, b))
  const db = join(a.dir, 'pacts', a.pact.id, 'store', 'db')
  const length = a.pact.base.local.length
  await a.close()
  await cp(db, `${db}.before`, { recursive: true })
  await a.open()
  const store = a.store as unknown as { stop(ledger: unknown): Promise<void> }
  const stop = store.stop.bind(store)
  // The first close loses what came in.
  store.stop = async ledger => {
    store.stop = stop
    await stop(ledger)
    await rm(db, { recursive: true })
    await cp(`${db}.before`, db, { recursive: true })
  }
  await givenBack(a, b)
  expect(a.pact.base.local.length).toBe(length)
  expect((await a.pact.status()).writable).toBe(false)
  await givenBack(a, b)
  expect((await a.pact.append([note('after')]))[0]?.verdict).toBe(ACCEPTED)
  const cut = connect(a.pact, b.pact)
  await until(b.pact, same(a, b))
  expect(await texts(b)).toEqual(['before 0', 'before 1', 'before 2', 'before 3', 'before 4', 'after'])
  await cut()
})

test('with nobody to ask, nothing is appended, acknowledgements included; who comes later gives the end back', async () => {
  const [a, b, c] = (await peers(3)) as [Peer, Peer, Peer]
  await losePower(a, () => shareFive(a, b))
  const length = a.pact.base.local.length
  await a.pact.base.ack()
  // One that was not met since the last clean close cannot know, whatever it answers. A restart forgets nothing.
  const cutC = connect(a.pact, c.pact)
  await expect(a.pact.append([note('too early')])).rejects.toMatchObject({ code: 'WRITER_IN_DOUBT' })
  await cutC()
  await a.close()
  await a.open()
  expect((await a.pact.status()).writable).toBe(false)
  expect(a.pact.base.local.length).toBe(length)

  await givenBack(a, b)
  expect((await a.pact.append([note('after')]))[0]?.verdict).toBe(ACCEPTED)
  const cut = connect(a.pact, b.pact)
  await until(b.pact, same(a, b))
  expect(await texts(b)).toHaveLength(6)
  await cut()
})

test('what no other machine can hold needs nobody: alone, after a clean close, and within the same boot', async () => {
  const [a, b] = await peers(2)
  const mark = join(a.dir, 'pacts', a.pact.id, 'met.json')
  await shareFive(a, b)
  const before = await readFile(mark, 'utf8')
  expect(JSON.parse(before)).toMatchObject({ met: [b.identity.device.toString('hex')], doubt: [] })
  await a.close()
  await expect(stat(mark)).rejects.toThrow('ENOENT')
  // A process that was killed leaves the mark, but the system kept what it had written.
  await writeFile(mark, before)
  await a.open()
  expect((await a.pact.append([note('alone')]))[0]?.verdict).toBe(ACCEPTED)
})
