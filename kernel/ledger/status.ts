/** How a pact is doing, in numbers and plain words; and fetching the history that a fast-forward left out. */
import { setTimeout as sleep } from 'node:timers/promises'
import type Hypercore from 'hypercore'
import type { PactStatus } from '../pact.ts'
import { pactId } from '../replication/topics.ts'
import { interruption, missingRules } from './apply.ts'
import type { RefoundedRow } from './kernel-types.ts'
import type { Ledger } from './ledger.ts'
import type { RuleSet } from './rule-set.ts'
import type { Seat } from './seats.ts'
import type { Base } from './views.ts'

export async function statusOf(ledger: Ledger, rules: RuleSet): Promise<PactStatus> {
  const { base, reader } = ledger
  const row = await reader.charterRow().catch(() => null)
  const peers = ledger.links?.peers() ?? []
  const indexers = await indexerStatus(ledger, peers)
  const removed = await ledger.removal()
  const missing = row ? missingRules(row, rules) : null
  const interrupted = missing ?? (base.interrupted ? interruption(base.interrupted) : null)
  const problems = [ledger.health.problem, ledger.failure?.message].filter(problem => typeof problem === 'string')
  const obstacle = await ledger.powerLoss.obstacle()
  if (obstacle) problems.push(`power was lost while the pact was shared, and this machine does not write: ${obstacle}`)
  for (const { core, frozen } of base.activeWriters)
    if (frozen)
      problems.push(
        `a block of the writer ${core.key.toString('hex', 0, 4)} cannot be read: nothing that it writes from there on counts; remove that device and let it join again`,
      )
  return {
    id: ledger.id,
    alias: ledger.alias,
    name: row?.charter.name ?? '',
    length: ledger.length,
    confirmed: ledger.confirmed,
    contiguous: Math.min(base.view.log.contiguousLength, ledger.length),
    synced: interrupted === null && !reader.empty && (await isComplete(base)),
    writable: base.writable && interrupted === null && !ledger.failure && !base.held && !removed,
    indexer: indexers.some(i => i.self),
    indexers,
    waiting: removed || waitingFor(indexers, peers, ledger.length - ledger.confirmed),
    removed,
    interrupted,
    refounds: await refoundsOf(ledger).catch(() => null),
    orphaned: (await ledger.orphans()).map(record => record.id),
    peers,
    charter: row,
    rules: Object.fromEntries(rules.list().map(r => [r.plugin, { protocol: r.rules.protocol, digest: r.digest }])),
    health: { ok: problems.length === 0 && interrupted === null, problems, repairs: ledger.health.repairs },
  }
}

async function indexerStatus(ledger: Ledger, peers: PactStatus['peers']): Promise<PactStatus['indexers']> {
  const { reader } = ledger
  // The applied set confirms nothing before it is confirmed itself.
  const settled = await reader.indexers('confirmed').catch(() => [])
  const until = settled.length > 0 ? 'confirmed' : 'applied'
  const writers = settled.length > 0 ? settled : await reader.indexers().catch(() => [])
  const me = ledger.writer.toString('hex')
  return Promise.all(
    writers.map(async writer => {
      const seat = await reader.get<Seat>(`k/m/${writer}`, until).catch(() => null)
      const self = writer === me
      const online = self || peers.some(p => p.tunnel && p.noise === seat?.noise)
      return { writer, identity: seat?.identity ?? null, online, self }
    }),
  )
}

async function refoundsOf({ reader }: Ledger): Promise<PactStatus['refounds']> {
  const row = await reader.get<RefoundedRow>('k/refounded')
  return row && { id: pactId(Buffer.from(row.pact, 'hex')), done: row.done, length: row.length }
}

/** @param open entries that are not confirmed */
function waitingFor(indexers: PactStatus['indexers'], peers: PactStatus['peers'], open: number): string {
  const awake = indexers.filter(i => i.online).length
  const needed = Math.floor(indexers.length / 2) + 1
  // What an indexer confirms comes through other members as well.
  const linked = peers.some(({ tunnel }) => tunnel)
  if (indexers.length === 0 || awake >= needed || (linked && open === 0)) return ''
  const asleep = indexers.filter(i => !i.online).map(i => i.writer.slice(0, 8))
  return indexers.length === 1
    ? `The only indexer (${asleep[0]}) is not reachable from here. Entries are kept and shared, and confirmed once it is${linked ? ', or once a connected machine reaches it' : ''}.`
    : `${needed - awake} more of the indexers ${asleep.join(', ')} must be reachable${linked ? ', from here or from a connected machine,' : ''} before entries are confirmed.`
}

/** The cores that must be here in full before this machine can serve the pact and go on alone. */
export function coresOf(base: Base): Hypercore[] {
  return [base.core, base.view.log, base.view.state.core]
}

/** True when no block of the views is missing here. */
export async function isComplete(base: Base): Promise<boolean> {
  for (const core of coresOf(base))
    if (core.length > 0 && core.contiguousLength < core.length && !(await core.has(0, core.length))) return false
  return true
}

/** Records fetched before all others, so that what is new can be read while the rest is on its way. */
const NEWEST = 256
/** ms that the rest waits for them: whoever had them may be gone. */
const NEWEST_LIMIT = 1000

/** Fetches the whole views from whoever is connected, the newest records first. Calls `progress` about four times a second. */
export async function download(
  base: Base,
  progress?: (have: number, of: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const all = coresOf(base)
  const report = () => {
    let have = 0
    for (const core of all) have += Math.min(core.contiguousLength, core.length)
    progress?.(
      have,
      all.reduce((sum, core) => sum + core.length, 0),
    )
  }
  const timer = setInterval(report, 250)
  const { log } = base.view
  const newest = log.download({ start: Math.max(0, log.length - NEWEST), end: log.length })
  try {
    await Promise.race([newest.done(), sleep(NEWEST_LIMIT, undefined, { ref: false, signal }).catch(() => {})])
    report()
    while (!(await isComplete(base)) && !base.closing && !signal?.aborted) {
      const ranges = all.map(core => core.download({ start: 0, end: core.length }))
      const abort = () => {
        for (const range of ranges) range.destroy()
      }
      signal?.addEventListener('abort', abort, { once: true })
      await Promise.all(ranges.map(range => range.done()))
      signal?.removeEventListener('abort', abort)
      // Blocks that nobody connected has: look again when somebody may have come.
      if (!(await isComplete(base))) await new Promise(resolve => setTimeout(resolve, 500).unref())
    }
    report()
  } finally {
    newest.destroy()
    clearInterval(timer)
  }
}
