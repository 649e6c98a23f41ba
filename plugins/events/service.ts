/** Events: one append-only outbox in `local.db`; SSE and `/changes` read it with a cursor. */
import { type Pact, serviceRef } from '../../kernel/index.ts'
import type { EntryView } from '../read-model/service.ts'
import type { Hub } from './hub.ts'

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
  /** Events after `seq`, oldest first. */
  after(seq: number, options?: { pact?: Pact; limit?: number }): PactEvent[]
  /** Number of the newest event; 0 while there is none. */
  head(): number
  /** The opaque cursor behind an event's number, as clients get it. */
  cursor(seq: number): string
  /** The number that a client's cursor stands for. @throws OpenPactError EVENT_CURSOR_INVALID */
  read(cursor: string): number
  /** Called when new events are in the outbox. Returns its undo. */
  onEvents(fn: () => void): () => void
  /** Resolves when everything that the index knows of a pact is in the outbox. */
  settled(pact: Pact): Promise<void>
}

export const events = serviceRef<Events>('events', 1)

/** Open streams to clients. */
export const streams = serviceRef<Hub>('events.streams', 1)
