/** Whether a match may start a program: by who wrote what brought it about, as the ledger verified it. */
import { handleOf, type Kernel, type Pact } from '../../kernel/index.ts'
import type { Matcher, Occurrence } from '../events/service.ts'
import type { EntryView } from '../read-model/service.ts'
import type { Trigger, Trust } from './definition.ts'
import type { Approval } from './known.ts'

/** The name under which entries of a log that was carried over can be trusted. */
export const IMPORTED = 'import'

export interface Judging {
  kernel: Kernel
  matcher: Pick<Matcher, 'occurrencesOf'>
  /** Whether a key is that of a run of a trigger, here or on another machine with the same trigger. */
  isRunOf(key: string, trigger: string): boolean
}

/** What the file names, and what was named when it was approved. */
export function trustOf({ trust, hash }: Trigger, approval: Approval | null): Trust {
  if (approval?.hash !== hash) return trust
  return { ...trust, roles: [...trust.roles, ...approval.roles], authors: [...trust.authors, ...approval.authors] }
}

/**
 * Why a match is stopped, or null. Of a task both count: who wrote it and who brought it into this state.
 * The words hold nothing that an entry says.
 */
export function stopReason(occurrence: Occurrence, trigger: Trigger, trust: Trust, judging: Judging): string | null {
  const { entry, about, pact, role } = occurrence
  if (!entry) return 'its entry is not there any more'
  const entries: [EntryView, string | null][] = [[entry, role]]
  if (about && about.id !== entry.id) {
    const written = judging.matcher.occurrencesOf(pact, about.id)[0]
    entries.push([about, written?.role ?? null])
  }
  for (const [each, itsRole] of entries) {
    const reason = refusal(each, itsRole, trust, trigger.id, judging)
    if (reason !== null) return reason
  }
  return null
}

function refusal(
  { origin, agent, identity, run, hops = 0 }: EntryView,
  role: string | null,
  trust: Trust,
  trigger: string,
  { kernel, isRunOf }: Judging,
): string | null {
  if (origin !== undefined && !trust.origins.includes(origin))
    return 'it came from another pact, and its origin is not named in trust'
  const me = identity !== null && identity === kernel.identity.key.toString('hex')
  const named = trust.authors.some(author => (author === 'me' ? me : author === agent || author === identity))
  if (!named && identity === null) return 'it is not known yet whose agent wrote it; try again in a moment'
  if (!named && !(role !== null && trust.roles.includes(role))) return 'its author is not trusted'
  if (hops >= trust.max_hops) return `it stands at the end of ${hops} runs, and max_hops is ${trust.max_hops}`
  return run !== undefined && isRunOf(run, trigger) ? 'a run of this trigger wrote it' : null
}

/** Whether an entry was carried over from a log that ended: an event of long ago. */
export async function isImported(pact: Pact, { position }: EntryView): Promise<boolean> {
  return (await pact.record(position))?.carried !== undefined
}

/** For whom a trigger fires, in words for who is to approve it. */
export async function firesFor(
  { match }: Trigger,
  trust: Trust,
  { kernel }: Pick<Judging, 'kernel'>,
): Promise<string[]> {
  const named = match.pact === undefined ? null : [match.pact].flat()
  const pacts = kernel.pacts
    .list()
    .filter(({ id, alias }) => named === null || named.includes(id) || named.includes(alias))
  const words: string[] = []
  const agents = new Map<string, string>()
  for (const pact of pacts)
    for (const { key, name, identity, revoked } of await pact.agents())
      if (!revoked) agents.set(key, `${handleOf(name, key)} (agent ${key}, of ${identity})`)
  if (trust.authors.includes('me'))
    words.push(`you: every agent of your identity ${kernel.identity.key.toString('hex')}, on all your devices`)
  for (const author of trust.authors.filter(each => each !== 'me')) {
    const of = [...agents.values()].filter(text => text.endsWith(`of ${author})`))
    words.push(
      agents.get(author) ??
        (of.length > 0 ? `identity ${author}: ${of.join(', ')}` : `key ${author}, unknown in your pacts`),
    )
  }
  for (const role of trust.roles) {
    const holders: string[] = []
    for (const pact of pacts) {
      const identities = new Set(
        (await pact.members()).filter(member => member.role === role).map(({ identity }) => identity),
      )
      for (const text of agents.values())
        if ([...identities].some(identity => text.endsWith(`of ${identity})`))) holders.push(text)
    }
    words.push(`whoever has the role ${role} in the pact, now: ${[...new Set(holders)].join(', ') || 'nobody'}`)
  }
  for (const origin of trust.origins) words.push(`also entries that came through "${origin}", by those above`)
  return words
}
