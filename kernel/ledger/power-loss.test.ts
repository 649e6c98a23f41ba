import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { connect, type Group, group, head, type Peer, until } from '../../test/support/ledgers.ts'
import { hearLength, keepDisk, loseDisk, readMark } from '../../test/support/power.ts'
import { ACCEPTED } from './entry.ts'
import type { Ledger } from './ledger.ts'
import type { Application } from './seats.ts'

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
  await peer.close()
  await keepDisk(folder)
  await peer.open()
  await work()
  const mark = await readMark(folder)
  await peer.close()
  await loseDisk(folder, mark)
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

/** Appends a batch to the core of `from`; `to` hears how long it is now and gets the first block: nobody can read a batch without its rest. */
async function appendUnseen(from: Peer, to: Peer, count: number): Promise<void> {
  const { id } = from.pact
  await to.close()
  const { local } = from.pact.base
  const first = local.length
  await from.pact.append(Array.from({ length: count }, (_, i) => note(`lost ${i}`)))
  await hearLength(join(to.dir, 'pacts', id), local, [first])
  await to.open()
}

/** Resolves with the ledger that takes the place of `held`. */
async function replaced(peer: Peer, held: Ledger): Promise<Ledger> {
  while ((peer.store.list()[0] ?? held) === held) await new Promise(resolve => setTimeout(resolve, 20))
  return peer.pact
}

const seatAgain = async (member: Peer, application: Application | null) =>
  (await member.pact.append([{ type: 'member.add', payload: { ...application, via: { kind: 'test' } } }]))[0]?.verdict

test('a member whose last entries nobody has goes on with a fresh writer core', async () => {
  const [a, b] = await peers(2)
  const lines: string[] = []
  const said = vi.spyOn(console, 'log').mockImplementation((...words) => void lines.push(words.join(' ')))
  await losePower(b, async () => {
    await shareFive(b, a)
    await appendUnseen(b, a, 3)
  })
  const old = b.pact.writer
  const asked = b.pact
  let cut = connect(b.pact, a.pact)
  await replaced(b, asked)
  await cut()
  expect(b.pact.writer).toEqual(old)
  expect((await b.pact.status()).health.problems.join()).toMatch(/nobody has the last entries.*as soon as a member/)
  await expect(b.pact.append([note('too early')])).rejects.toMatchObject({ code: 'WRITER_IN_DOUBT' })

  // What it knows by now outlives a restart. The seat is asked for once its own entries are confirmed.
  await b.close()
  await b.open()
  cut = connect(b.pact, a.pact)
  await until(b.pact, async () => (await b.pact.reseating()) !== null)
  const application = await b.pact.reseating()
  const held = b.pact
  const mark = join(b.dir, 'pacts', b.pact.id, 'met.json')
  const before = await readFile(mark, 'utf8')
  expect(await seatAgain(a, application)).toBe(ACCEPTED)
  await replaced(b, held)
  await cut()
  expect(b.pact.writer.toString('hex')).toBe(application?.writer)
  expect(b.pact.alias).toBe('test')
  const [receipt] = await b.pact.append([note('after')])
  expect(receipt).toMatchObject({ verdict: ACCEPTED, id: `${b.pact.writer.toString('hex', 0, 4)}-1` })

  cut = connect(b.pact, a.pact)
  await until(a.pact, same(a, b))
  expect(await texts(a)).toEqual(['before 0', 'before 1', 'before 2', 'before 3', 'before 4', 'after'])
  expect((await a.pact.members()).map(seat => seat.writer)).not.toContain(old.toString('hex'))
  expect(await a.pact.standing(b.identity.device)).toBe('member')
  await cut()
  // It stays so over another start, also where it was killed before it noted that it has turned. Nothing is left to ask for.
  await b.close()
  await writeFile(mark, before)
  await b.open()
  expect(await b.pact.reseating()).toBeNull()
  expect(await b.pact.status()).toMatchObject({ writable: true, health: { problems: [] } })
  expect((await b.pact.append([note('again')]))[0]).toMatchObject({ id: `${b.pact.writer.toString('hex', 0, 4)}-2` })
  cut = connect(b.pact, a.pact)
  await until(a.pact, same(a, b))
  await cut()
  said.mockRestore()
  expect(lines.filter(line => /conflict/i.test(line))).toEqual([])
}, 60_000)

test('a sole indexer whose last entries nobody has says that only refounding helps', async () => {
  const [a, b] = await peers(2)
  await losePower(a, async () => {
    await shareFive(a, b)
    await appendUnseen(a, b, 3)
  })
  const asked = a.pact
  let cut = connect(a.pact, b.pact)
  await replaced(a, asked)
  await cut()
  // The end is missing in its own core when it starts again, and the pact can be read all the same.
  await a.close()
  await a.open()
  expect(await texts(a)).toHaveLength(5)
  cut = connect(a.pact, b.pact)
  expect(await a.pact.reseating()).toBeNull()
  expect((await a.pact.status()).health.problems.join()).toMatch(/only indexer.*openpact refound/)
  await expect(a.pact.append([note('no')])).rejects.toThrow(/only indexer.*openpact refound/)
  await cut()
}, 60_000)

test('one of several indexers whose last entries nobody has goes on once others were named', async () => {
  const [a, b, c] = (await peers(3)) as [Peer, Peer, Peer]
  const all = [a, b, c].map(peer => peer.pact.writer.toString('hex'))
  let cuts = [connect(a.pact, b.pact), connect(a.pact, c.pact)]
  const [set] = await a.pact.append([{ type: 'pact.indexers', payload: { writers: all } }])
  expect(set?.verdict).toBe(ACCEPTED)
  await until(b.pact, () => b.pact.base.isIndexer)
  for (const cut of cuts) await cut()
  await losePower(b, async () => {
    await shareFive(b, a)
    await appendUnseen(b, a, 3)
  })
  const asked = b.pact
  let cut = connect(b.pact, a.pact)
  await replaced(b, asked)
  await cut()
  expect(await b.pact.reseating()).toBeNull()
  expect((await b.pact.status()).health.problems.join()).toMatch(/is an indexer.*openpact indexers/)

  cuts = [connect(a.pact, b.pact), connect(a.pact, c.pact)]
  await a.pact.append([{ type: 'pact.indexers', payload: { writers: all.slice(0, 1) } }])
  await until(b.pact, async () => (await b.pact.reseating()) !== null)
  const held = b.pact
  expect(await seatAgain(a, await b.pact.reseating())).toBe(ACCEPTED)
  await replaced(b, held)
  for (const each of cuts) await each()
  expect((await b.pact.append([note('after')]))[0]?.verdict).toBe(ACCEPTED)
  cut = connect(b.pact, a.pact)
  await until(a.pact, same(a, b))
  expect((await texts(a)).at(-1)).toBe('after')
  await cut()
}, 90_000)
