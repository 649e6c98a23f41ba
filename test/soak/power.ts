/**
 * Power is lost again and again: the store of one of three machines goes back to where it last was on the disk, while the others
 * hold what it wrote since. Nothing that reached another machine may be lost, and no writer may ever have two histories. Who lost blocks
 * that others know of and nobody has goes on with a fresh writer core; the sole indexer cannot, so that its pact ends and another begins.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type Corestore from 'corestore'
import { isOpenPactError } from '../../kernel/index.ts'
import type { Ledger } from '../../kernel/ledger/ledger.ts'
import { connect, group, head, type Peer } from '../support/ledgers.ts'
import { Prng } from './prng.ts'
import type { Outcome } from './run.ts'

const LIMIT = 60_000
type Cut = () => Promise<void>

export async function power(seed: number, rounds: number, progress: (line: string) => void): Promise<Outcome> {
  const started = performance.now()
  const prng = new Prng(seed)
  let { peers, dispose } = await group(3)
  const faults: string[] = []
  const said = console.log
  // Hypercore reports a second history in this way alone.
  console.log = (...words: unknown[]) => {
    if (/conflict/i.test(words.join(' '))) faults.push(words.join(' '))
    else said(...words)
  }
  let entries = 0
  let waits = 0
  let fetched = 0
  let rotated = 0
  let ended = 0
  try {
    for (let round = 1; round <= rounds && faults.length === 0; round++) {
      const loser = prng.pick(peers)
      const others = peers.filter(peer => peer !== loser)
      const folder = join(loser.dir, 'pacts', loser.pact.id)
      const db = join(folder, 'store', 'db')
      await loser.close()
      await cp(db, `${db}.flushed`, { recursive: true })
      await loser.open()
      const met: Peer[] = []
      let cuts: Cut[] = []
      for (let step = prng.int(3, 12); step > 0; step--) {
        if (prng.chance(0.4)) {
          const other = prng.pick(others)
          if (!met.includes(other)) {
            met.push(other)
            cuts.push(connect(loser.pact, other.pact))
          }
        }
        await prng.pick(peers).pact.append(notes(prng.int(1, 5), `${round}.${step}`))
        entries++
        await pause(prng.int(0, 30))
      }
      for (const cut of cuts) await cut()
      const { length, key } = loser.pact.base.local
      const held = new Set((await Promise.all(others.map(texts))).flat())
      const mark = await readFile(join(folder, 'met.json'), 'utf8').catch(() => null)
      await loser.close()
      await rm(db, { recursive: true })
      await cp(`${db}.flushed`, db, { recursive: true })
      await rm(`${db}.flushed`, { recursive: true })
      if (mark)
        await writeFile(join(folder, 'met.json'), JSON.stringify({ ...JSON.parse(mark), boot: `before ${round}` }))
      await loser.open()
      fetched += length - loser.pact.base.local.length
      const early = await loser.pact.append(notes(1, `${round}.early`)).then(
        () => 'written',
        error => (isOpenPactError(error) ? error.code : String(error)),
      )
      if (early !== (mark ? 'WRITER_IN_DOUBT' : 'written')) faults.push(`round ${round}: the first write was ${early}`)
      if (mark) waits++

      const kept = await settle(peers, loser)
      if (kept === SOLE_INDEXER) {
        ended++
        await dispose()
        ;({ peers, dispose } = await group(3))
        continue
      }
      if (kept) {
        faults.push(`round ${round}: ${kept}`)
        break
      }
      if (!loser.pact.writer.equals(key)) rotated++
      cuts = [connect(loser.pact, others[0]!.pact), connect(others[0]!.pact, others[1]!.pact)]
      for (const peer of peers) await peer.pact.append(notes(1, `${round}.late`))
      const deadline = Date.now() + LIMIT
      while (new Set(await Promise.all(peers.map(peer => head(peer.pact)))).size > 1) {
        if (Date.now() > deadline) {
          faults.push(`round ${round}: the machines do not come to the same`)
          break
        }
        await pause(20)
      }
      const now = new Set(await texts(loser))
      for (const text of held) if (!now.has(text)) faults.push(`round ${round}: lost ${text}`)
      for (const cut of cuts) await cut()
      if (round % 10 === 0)
        progress(
          `round ${round}: ${entries} writes, ${fetched} blocks lost; ${rotated} fresh writer cores, ${ended} pacts ended with their sole indexer`,
        )
    }
  } finally {
    console.log = said
    await dispose()
  }
  const ms = performance.now() - started
  return {
    seed,
    faults,
    entries,
    closes: rounds * 2,
    kills: 0,
    reverts: 0,
    nudges: 0,
    repairs: 0,
    waits,
    ms,
    kept: null,
  }
}

/** Why the loser may not write: it is the sole indexer, and nobody has the end of what it wrote. */
const SOLE_INDEXER = 'sole indexer'

/**
 * Joins the loser to the others until it may write; each ledger that takes the place of another is joined anew, and what asks for a seat
 * with a fresh writer core is seated. Answers SOLE_INDEXER, or why it may not after a minute, or null.
 */
async function settle(peers: Peer[], loser: Peer): Promise<string | null> {
  const deadline = Date.now() + LIMIT
  let joined: Ledger | null = null
  let cuts: Cut[] = []
  let seated = false
  for (;;) {
    const open = loser.store.list()[0]
    if (open && open !== joined) {
      for (const cut of cuts) await cut()
      cuts = peers.filter(peer => peer !== loser).map(peer => connect(open, peer.pact))
      joined = open
    }
    if (open?.base.writable && !open.base.held) break
    if (open?.powerLoss.tail.lost) {
      if (open.base.isIndexer) {
        for (const cut of cuts) await cut()
        return SOLE_INDEXER
      }
      // A ledger that another one is just replacing may be closed by now.
      const application = seated ? null : await open.reseating().catch(() => null)
      if (application) {
        seated = true
        const other = peers.find(peer => peer !== loser) as Peer
        await other.pact.append([{ type: 'member.add', payload: { ...application, via: { kind: 'test' } } }])
      }
    }
    if (Date.now() > deadline)
      return stillHeld(
        peers.filter(peer => peer !== loser),
        loser,
      )
    await pause(20)
  }
  for (const cut of cuts) await cut()
  return null
}

async function stillHeld(others: Peer[], loser: Peer): Promise<string> {
  const { pact } = loser
  const { key, length, contiguousLength } = pact.base.local
  const missing: number[] = []
  for (let index = contiguousLength; index < length; index++)
    if (!(await pact.base.local.has(index))) missing.push(index)
  const where = await Promise.all(
    others.map(async other => {
      const core = (other.pact.base as unknown as { store: Corestore }).store.get({ key })
      await core.ready()
      const has: number[] = []
      for (const index of missing) if (await core.has(index)) has.push(index)
      const told = `${other.name} has [${has}] of ${core.length}`
      await core.close()
      return told
    }),
  )
  const obstacle = await pact.powerLoss.obstacle()
  const links = (pact.base.local.peers as unknown as { paused: boolean; inflight: number; remoteLength: number }[]).map(
    ({ paused, inflight, remoteLength }) => `${paused ? 'paused' : 'open'} ${inflight} under way of ${remoteLength}`,
  )
  return `${loser.name} is still held back, ${pact.confirmed} of ${pact.length} confirmed: ${obstacle}; its core of ${length} lacks [${missing}], ${where.join(', ')}; ${links.join(' ')}`
}

function notes(count: number, text: string) {
  return Array.from({ length: count }, (_, i) => ({ type: 'note', payload: { text: `${text} #${i}` } }))
}

async function texts({ pact }: Peer): Promise<string[]> {
  const found: string[] = []
  for (let i = 0; i < pact.length; i++) {
    const record = await pact.record(i)
    if (record?.entry?.type === 'note') found.push(`${record.id} ${record.entry.payload.toString()}`)
  }
  return found
}
