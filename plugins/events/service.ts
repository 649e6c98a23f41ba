/** Events: one append-only outbox in `local.db`; streams, `/changes` and consumers read it, each with a cursor. */
import { type Pact, serviceRef } from '../../kernel/index.ts'
import type { EntryView } from '../read-model/service.ts'
import type { Hub } from './hub.ts'
import type { Match } from './match.ts'

export { Condition, flatFields, type Match, MatchSchema, matchFields } from './match.ts'

/** Kind of the event that every linearised entry has, accepted or not: its verdict is in the entry. */
export const ENTRY_APPLIED = 'entry-applied'
/** Kind of the event that takes another one back. */
export const CORRECTION = 'correction'

export interface PactEvent {
  /** Outbox number: the order on this machine. */
  seq: number
  /** Stable id: hash(chain at the position ‖ subject ‖ kind), 32 hex. The same event never has two ids. */
  id: string
  pact: string
  /** `entry-applied` for every entry; a subject change's kind otherwise; `correction` when a reorder took an event back. */
  kind: string
  /** Id of the event that a correction takes back. */
  corrects?: string
  /** A reorder took it back after it was recorded: its correction comes later. It carries neither `entry` nor `data`. */
  stale?: true
  /** `entry`, or what the kind is about (`task`). */
  subject: string
  subject_id: string
  position: number
  data?: unknown
  /** Present on `entry-applied`: the entry as it stands now; null when it is not in the ledger any more. */
  entry?: EntryView | null
}

export interface Events {
  /**
   * Events after `seq`, oldest first. They end before the first one that the index cannot say all about now, because it is being
   * rebuilt or a reorder is being recorded: `onEvents` calls when they go on.
   */
  after(seq: number, options?: { pact?: Pact; limit?: number }): PactEvent[]
  /** Number of the newest event; 0 while there is none. */
  head(): number
  /** Number up to which events were pruned; 0 while all are kept. */
  floor(): number
  /** The opaque cursor behind an event's number, as clients get it. */
  cursor(seq: number): string
  /** The number that a client's cursor stands for. @throws OpenPactError EVENT_CURSOR_INVALID, EVENT_CURSOR_EXPIRED */
  read(cursor: string): number
  /** Called when there may be more to read of a pact, and when more of it is confirmed. Returns its undo. */
  onEvents(fn: (pact: Pact) => void): () => void
  /** Resolves when everything that the index knows of a pact is in the outbox. */
  settled(pact: Pact): Promise<void>
}

/** An event with everything that a match looks at. Read it at once: it is looked up as it stands now. */
export interface Occurrence {
  readonly event: PactEvent
  readonly pact: Pact
  /** The entry at the event's position: who did it, with verified author. Null only for refused or vanished ones. */
  readonly entry: EntryView | null
  /** The entry that it is about: a task's own for `task.claimed`; otherwise `entry`. Both authors matter for trust. */
  readonly about: EntryView | null
  readonly topic: string
  /** Whether a reorder can no longer take it back. */
  readonly confirmed: boolean
  /** Role that the owner of `entry`'s author has now; null when it is no member any more, or was not asked for. */
  readonly role: string | null
}

/** How one field of a match fares against an event. */
export interface FieldVerdict {
  field: string
  wanted: unknown
  found: unknown
  fits: boolean
}

export interface CompiledMatch {
  readonly match: Match
  readonly test: (occurrence: Occurrence) => boolean
  /** Every field with what it wants and what there is. */
  explain(occurrence: Occurrence): FieldVerdict[]
  /** It asks for roles or handles: `Matcher.people` must have been awaited for the pact. */
  readonly needsPeople: boolean
}

/** Many matches by keys of the caller's. An event is compared only with those that its type and topic lead to. */
export interface MatchIndex {
  readonly size: number
  readonly needsPeople: boolean
  /** Adds a match, or replaces that of the key. */
  set(key: string, match: CompiledMatch): void
  delete(key: string): boolean
  /** Keys of the matches that an event fits, in no order. */
  find(occurrence: Occurrence): string[]
}

export interface Matcher {
  /** @throws OpenPactError MATCH_INVALID, naming the field and near names */
  compile(match: unknown): CompiledMatch
  index(): MatchIndex
  /** An event as matches see it. */
  occurrence(event: PactEvent, pact: Pact): Occurrence
  /** What an entry brought about: itself, and the changes of subjects at its position. @throws OpenPactError ENTRY_UNKNOWN */
  occurrencesOf(pact: Pact, entryId: string): Occurrence[]
  /** Learns roles and names of a pact, for matches that ask for them. */
  people(pact: Pact): Promise<void>
}

export interface ConsumerDefinition {
  /** Names its cursors in `local.db`; unique. */
  name: string
  /**
   * An event, with the keys of all matches that it fits. Called once per event, in the order of each pact, inside the transaction that
   * moves the cursor: write the outcome to `local.db` and return; act on it outside, from what was written. It must not wait. What
   * it throws undoes the transaction; the event comes again a second later.
   */
  handle(occurrence: Occurrence, keys: readonly string[]): void
  /** A reorder took back an event that was handled for these keys. In the same kind of transaction, before what stands instead. */
  correct(correction: PactEvent, keys: readonly string[]): void
  /** Called after a transaction in which one of the two was called. */
  committed?(): void
}

export interface ConsumerStatus {
  name: string
  /** Number of its matches. */
  matches: number
  /** Events that it has still to look at. */
  behind: number
  /** Events that wait until they are confirmed. */
  waiting: number
  /** Why it does not get on, or null. */
  error: string | null
}

/**
 * Reads the outbox with a cursor per pact, kept in one transaction with what the consumer makes of the events: whatever ends the
 * process, every event is handled once, in order, with the id that it had. With `until: confirmed` an event is handled when it is
 * confirmed, and not at all if it was taken back before.
 */
export interface Consumer {
  /**
   * Adds a match under a key that stays the same over restarts, or replaces it. Only events after number `since` are handled for it:
   * keep `events.head()` of the moment when the match was made.
   */
  set(key: string, match: CompiledMatch, since: number): void
  delete(key: string): void
  /** Begins to read; set the matches that are known first. */
  start(): void
  status(): ConsumerStatus
  /** Resolves when everything that is in the outbox now was handled, or cannot be at present. */
  settled(): Promise<void>
  close(): Promise<void>
}

export interface Consumers {
  /** @throws Error when the name is taken */
  open(definition: ConsumerDefinition): Consumer
  list(): ConsumerStatus[]
}

export const events = serviceRef<Events>('events', 1)

/** Compiles matches and explains them. */
export const matcher = serviceRef<Matcher>('events.matcher', 1)

/** Cursors for plugins that act on events. */
export const consumers = serviceRef<Consumers>('events.consumers', 1)

/** Open streams to clients. */
export const streams = serviceRef<Hub>('events.streams', 1)
