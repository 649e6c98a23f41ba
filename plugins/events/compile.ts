/** Makes a match into checks, one per field: together they say whether an event is wanted, apart they explain why not. */
import { type Identity, OpenPactError, type Pacts } from '../../kernel/index.ts'
import { closedSchema, compileSchema, faultWords, hasBrokenText } from '../operations/schema-check.ts'
import { compileWhere, containsWords } from './conditions.ts'
import './errors.ts'
import { type Match, MatchSchema } from './match.ts'
import { type Seen, stringIn } from './occurrence.ts'
import { type CompiledMatch, ENTRY_APPLIED, type Occurrence } from './service.ts'
import { topicGlob } from './topic-glob.ts'

interface Check {
  field: string
  wanted: unknown
  found(seen: Seen): unknown
  fits(seen: Seen): boolean
}

/** Whom and what names in a match stand for on this machine. */
export interface Names {
  identity: Identity
  pacts: Pacts
}

let compiled: ReturnType<typeof compileSchema> | undefined

/** Compiled at first use: it costs a start of the daemon 50 ms. */
function fitsSchema() {
  compiled ??= compileSchema(closedSchema(MatchSchema))
  return compiled
}

/** @throws OpenPactError MATCH_INVALID */
export function compileMatch(value: unknown, names: Names): CompiledMatch {
  const fits = fitsSchema()
  if (!fits(value)) throw new OpenPactError('MATCH_INVALID', { reason: faultWords(fits.errors) })
  if (hasBrokenText(value)) throw new OpenPactError('MATCH_INVALID', { reason: 'a text in it is not valid Unicode.' })
  const match = value as Match
  const checks = checksOf(match, names)
  return {
    match,
    test: occurrence => checks.every(check => check.fits(occurrence as Seen)),
    explain: occurrence => checks.map(check => verdict(check, occurrence)),
    needsPeople: match.role !== undefined || listOf(match.assignee).some(name => !keyOrWord.test(name)),
  }
}

function verdict({ field, wanted, found, fits }: Check, occurrence: Occurrence) {
  const seen = occurrence as Seen
  return { field, wanted, found: found(seen) ?? null, fits: fits(seen) }
}

/** A name of an assignee for which nobody has to be asked. */
const keyOrWord = /^([0-9a-f]{64}|me|nobody)$/

/** The cheap ones and those that fail most often first. */
function checksOf(match: Match, names: Names): Check[] {
  const checks: Check[] = [accepted]
  const { type, status, topic, pact, agent, owner, role, priority, assignee, ref, text, where } = match
  const add = (field: string, wanted: unknown, found: Check['found'], fits: Check['fits']) =>
    checks.push({ field, wanted, found, fits })
  /** A field that has one value, compared with what the match lists. */
  const equals = (field: string, wanted: string | string[] | undefined, found: (seen: Seen) => string | null) => {
    if (wanted === undefined) return
    const list = listOf(wanted)
    add(field, wanted, found, seen => list.includes(found(seen) ?? ''))
  }

  if (type !== undefined) {
    const types = listOf(type)
    const found = status === undefined ? typeOf : subjectOf
    add('type', type, found, seen => types.includes(found(seen) ?? ''))
  }
  equals('status', status, statusOf)
  if (topic !== undefined) {
    const globs = listOf(topic).map(topicGlob)
    add(
      'topic',
      topic,
      seen => seen.topic,
      seen => globs.some(glob => glob.test(seen.topic)),
    )
  }
  if (pact !== undefined) {
    const list = listOf(pact)
    const alias = (seen: Seen) => names.pacts.find(seen.event.pact)?.alias ?? seen.event.pact
    add('pact', pact, alias, seen => list.includes(seen.event.pact) || list.includes(alias(seen)))
  }
  if (agent !== undefined) {
    const list = listOf(agent)
    const mine = list.includes('me')
    add(
      'agent',
      agent,
      ({ entry }) => entry?.author,
      ({ entry }) =>
        entry !== null &&
        (list.includes(entry.author) || list.includes(entry.agent) || (mine && isMine(entry.agent, names))),
    )
  }
  equals('owner', owner && listOf(owner).map(name => (name === 'me' ? hex(names.identity.key) : name)), seen =>
    seen.entry ? seen.entry.identity : null,
  )
  equals('role', role, seen => seen.role)
  equals('priority', priority, ({ about }) => stringIn(about?.payload, 'priority') ?? 'normal')
  if (assignee !== undefined) {
    const list = listOf(assignee)
    add('assignee', assignee, assigneeOf, seen => {
      const key = assigneeOf(seen)
      if (key === null) return list.includes('nobody')
      if (list.includes(key) || list.includes(seen.handle(key) ?? key)) return true
      return list.includes('me') && (key === hex(names.identity.key) || isMine(key, names))
    })
  }
  if (ref !== undefined) {
    const [types, targets] = [listOf(ref.type), listOf(ref.target)]
    add(
      'ref',
      ref,
      ({ about }) => about?.refs,
      ({ about }) =>
        about?.refs.some(
          ({ type, id }) =>
            (types.length === 0 || types.includes(type)) && (targets.length === 0 || targets.includes(id)),
        ) ?? false,
    )
  }
  for (const [path, wanted] of Object.entries(where ?? {})) {
    const condition = compileWhere(path, wanted)
    const found = ({ about }: Seen) => condition.found(about?.payload)
    add(`where.${path}`, wanted, found, seen => condition.fits(found(seen)))
  }
  if (text !== undefined) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean)
    const found = (seen: Seen) => containsWords(words, seen.topic, seen.about?.payload)
    add('text', text, found, found)
  }
  return checks
}

/** Only what the ledger accepted is an event to act on. */
const accepted: Check = {
  field: 'verdict',
  wanted: 'accepted',
  found: ({ entry }) => entry?.verdict,
  fits: ({ event, entry }) => event.kind !== ENTRY_APPLIED || entry?.verdict === 'accepted',
}

/** Type of an entry, kind of a change. */
function typeOf({ event }: Seen): string | null {
  return event.kind === ENTRY_APPLIED ? (event.entry?.type ?? null) : event.kind
}

/** What has a status. */
function subjectOf({ event }: Seen): string {
  return event.kind === ENTRY_APPLIED ? 'entry' : event.subject
}

/** What became of a subject: the last part of the change's kind. */
function statusOf({ event }: Seen): string | null {
  return event.kind === ENTRY_APPLIED ? null : event.kind.slice(event.kind.lastIndexOf('.') + 1)
}

function assigneeOf({ event, about }: Seen): string | null {
  return stringIn(event.data, 'assignee') ?? stringIn(about?.payload, 'assignee') ?? null
}

function isMine(key: string, { identity }: Names): boolean {
  return identity.agents().some(agent => hex(agent.key) === key)
}

function hex(key: Buffer): string {
  return key.toString('hex')
}

export function listOf(value: string | readonly string[] | undefined): string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : [...value]
}
