/** How a pact is doing, in plain words: who is awake, who must be to confirm, how far everything is, what to do. */
import type { PactStatus } from '../../kernel/index.ts'
import type { Finding } from '../operations/health.ts'
import type { KnownPeer } from './peers.ts'

export interface PactHealth {
  status: PactStatus
  index: { indexed: number; length: number; partial: boolean }
  /** Handles of owners, by identity. */
  names: ReadonlyMap<string, string>
  peers: readonly KnownPeer[]
  /** Whether this machine may change the charter. */
  admin: boolean
  /** Plugins here whose rules judge entry types of their own. */
  judging: readonly string[]
  /** Version of OpenPact here. */
  version: string
}

/** One line that says how it stands, then what there is to know and to do. */
export function explainPact(pact: PactHealth): Finding[] {
  const { status, index } = pact
  const about = `Pact ${status.alias}`
  const findings: Finding[] = []
  const add = (level: Finding['level'], words: string) => findings.push({ level, about, words })
  const { interrupted, health, waiting, synced, contiguous, length, confirmed, orphaned, removed } = status
  if (interrupted) add('fault', `${interrupted.reason} ${interrupted.cure}`)
  for (const problem of health.problems) add('fault', problem)
  if (health.repairs > 0) add('advice', `repaired itself ${health.repairs} times`)
  add('ok', removed ? 'No member serves this machine.' : `${connected(pact)} ${indexing(pact)}`)
  if (waiting) add('advice', removed ? `${removed} \`openpact leave ${status.alias}\` deletes what is here.` : waiting)
  if (orphaned.length > 0) add('advice', `${orphaned.length} entries of this machine were lost when it was removed`)
  if (confirmed < length && !removed) {
    const level = waiting ? 'advice' : 'ok'
    add(
      level,
      `${length - confirmed} of ${length} entries are not confirmed yet${waiting ? '' : '; that takes some seconds'}`,
    )
  }
  if (!synced && length > 0 && !removed && !interrupted)
    add(
      'advice',
      `${contiguous} of ${length} entries are on this machine from the start on; keep a member online until all are`,
    )
  if (index.partial)
    add('advice', `${index.indexed} of ${index.length} entries (${percent(index)}) can be searched yet`)
  if (!status.writable && !interrupted && !removed && health.ok)
    add('advice', 'can be read but not written yet: admission waits to be confirmed')
  for (const plugin of unruled(pact))
    add(
      'advice',
      `the rules of plugin "${plugin}" are not in force in this pact, so nothing judges its entries: ${pact.admin ? '' : 'an admin can put them in force with '}\`openpact charter enable ${plugin} --pact ${status.alias}\``,
    )
  if (status.charter?.proposed) add('advice', 'a change of the charter waits until enough indexers can run it')
  for (const peer of pact.peers) findings.push(...compare(peer, pact, about))
  return findings
}

/** Plugins whose entries are accepted without their rules. They may be left out on purpose, so this is no fault. */
function unruled({ status: { charter, removed }, judging }: PactHealth): string[] {
  if (!charter || removed) return []
  const rules = [...charter.charter.rules, ...(charter.proposed?.charter.rules ?? [])]
  return judging.filter(name => !rules.some(({ plugin }) => plugin === name))
}

function compare(peer: KnownPeer, { status, names, version }: PactHealth, about: string): Finding[] {
  const findings: Finding[] = []
  const name = nameOf(peer, names)
  const add = (level: Finding['level'], words: string) => findings.push({ level, about, words })
  const { interrupted } = status
  if (!peer.judges)
    add(
      'advice',
      `${name} cannot judge entries, so it writes and confirms nothing: "openpact doctor" there says what it lacks`,
    )
  if (peer.version !== version)
    add('advice', `${name} runs OpenPact ${peer.version}, this machine ${version}: update the older one`)
  const active = new Set(status.charter?.charter.rules.map(({ plugin }) => plugin))
  for (const [plugin, own] of Object.entries(status.rules)) {
    if (!active.has(plugin)) continue
    const theirs = peer.rules[plugin]
    if (!theirs && !peer.judges) continue
    if (!theirs)
      add('advice', `${name} has no rules of plugin "${plugin}", so it cannot judge new entries: install it there`)
    else if (theirs.protocol !== own.protocol)
      add(
        'advice',
        `${name} has protocol ${theirs.protocol} of the rules "${plugin}", this machine ${own.protocol}: update the older one`,
      )
    else if (theirs.digest !== own.digest)
      add(
        'fault',
        `${name} judges by other rules "${plugin}" (${theirs.digest.slice(0, 8)}) than this machine (${own.digest.slice(0, 8)}) under the same protocol, and the two may disagree for good: bring both to the same version of the plugin`,
      )
  }
  const more = peer.length - status.length
  if (interrupted) {
    if (more > 0)
      add('advice', `${name} has ${more} entries more than this machine, which reads only what is confirmed`)
    return findings
  }
  if (findings.length === 0) add('ok', `${name} runs OpenPact ${peer.version} with the same rules`)
  if (more > 0) add('ok', `${name} has ${more} entries more than this machine, which is fetching them`)
  return findings
}

/** Of a machine: the handle of its owner, or the beginning of its key. */
export function nameOf(
  { noise, identity }: { noise: string; identity: string | null },
  names: PactHealth['names'],
): string {
  return (identity !== null && names.get(identity)) || noise.slice(0, 8)
}

function connected({ status, names }: PactHealth): string {
  const open = status.peers.filter(peer => peer.tunnel)
  if (open.length === 0) return 'No other member is connected.'
  const who = open.map(peer => nameOf(peer, names)).join(', ')
  return open.length === 1
    ? `1 other machine is connected: ${who}.`
    : `${open.length} other machines are connected: ${who}.`
}

function indexing({ status: { indexers }, names }: PactHealth): string {
  const name = ({ self, identity, writer }: PactStatus['indexers'][number]) =>
    self ? 'this machine' : nameOf({ noise: writer, identity }, names)
  const [only] = indexers
  if (!only) return 'Who confirms entries is not known here yet.'
  if (indexers.length === 1) {
    const standing = only.self ? '' : only.online ? ', which is connected' : ', which is not connected to this machine'
    return `Entries are confirmed by ${name(only)} alone${standing}.`
  }
  const awake = indexers.filter(indexer => indexer.online)
  const needed = Math.floor(indexers.length / 2) + 1
  return `Entries are confirmed by ${needed} of ${indexers.map(name).join(', ')}; connected: ${awake.map(name).join(', ') || 'none'}.`
}

function percent({ indexed, length }: PactHealth['index']): string {
  return `${Math.floor((100 * indexed) / Math.max(1, length))}%`
}
