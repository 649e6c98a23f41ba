/** How a pact is doing, in plain words: who is awake, who must be to confirm, what to do. */

export interface Finding {
  /** `advice` is nothing broken, but something to know or do. */
  level: 'ok' | 'advice' | 'fault'
  about: string
  words: string
}

/** `GET /v1/pacts/:id/status`, as far as it is explained here. */
export interface PactStatus {
  alias: string
  length: number
  confirmed: number
  contiguous: number
  synced: boolean
  writable: boolean
  indexers: { writer: string; online: boolean; self: boolean }[]
  waiting: string
  interrupted: { reason: string; cure: string } | null
  peers: { tunnel: boolean }[]
  index: { indexed: number; length: number; partial: boolean }
  proposed: string | null
  health: { ok: boolean; problems: string[]; repairs: number }
}

/** One pact in plain words: who is awake, who must be, what to do. */
export function explainPact(pact: PactStatus): Finding[] {
  const about = `Pact ${pact.alias}`
  const findings: Finding[] = []
  if (pact.interrupted)
    findings.push({ level: 'fault', about, words: `${pact.interrupted.reason} ${pact.interrupted.cure}` })
  for (const problem of pact.health.problems) findings.push({ level: 'fault', about, words: problem })
  if (pact.health.repairs > 0)
    findings.push({ level: 'advice', about, words: `repaired itself ${pact.health.repairs} times` })
  findings.push({ level: 'ok', about, words: `${connected(pact)} ${indexing(pact)}` })
  if (pact.waiting) findings.push({ level: 'advice', about, words: pact.waiting })
  if (!pact.synced) {
    const words = `${pact.contiguous} of ${pact.length} entries are on this machine from the start on; keep a member online until all are`
    findings.push({ level: 'advice', about, words })
  }
  if (pact.index.partial) {
    findings.push({
      level: 'advice',
      about,
      words: `${pact.index.indexed} of ${pact.index.length} entries can be searched yet`,
    })
  }
  if (!pact.writable && !pact.interrupted) {
    findings.push({ level: 'advice', about, words: 'can be read but not written yet: admission waits to be confirmed' })
  }
  if (pact.proposed)
    findings.push({ level: 'advice', about, words: 'a change of the charter waits until enough indexers can run it' })
  return findings
}

function connected({ peers }: PactStatus): string {
  const open = peers.filter(peer => peer.tunnel).length
  if (open === 0) return 'No other member is connected.'
  return open === 1 ? '1 other machine is connected.' : `${open} other machines are connected.`
}

function indexing({ indexers }: PactStatus): string {
  const name = (indexer: PactStatus['indexers'][number]) => (indexer.self ? 'this machine' : indexer.writer.slice(0, 8))
  const [only] = indexers
  if (!only) return 'Who confirms entries is not known here yet.'
  if (indexers.length === 1)
    return `Entries are confirmed by ${name(only)} alone${only.online ? ', which is awake.' : ', which is off.'}`
  const awake = indexers.filter(indexer => indexer.online)
  const needed = Math.floor(indexers.length / 2) + 1
  return `Entries are confirmed by ${needed} of ${indexers.map(name).join(', ')}; awake: ${awake.map(name).join(', ') || 'none'}.`
}
