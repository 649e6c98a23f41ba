/** Events: one append-only outbox in `local.db`; SSE and `/changes` read it with a cursor. */
import { type Pact, serviceRef } from '../../kernel/index.ts'
import type { EntryView } from '../read-model/service.ts'

export interface PactEvent {
  /** Outbox number: the cursor. */
  seq: number
  /** Stable id: hash(chain at the position ‖ subject ‖ kind), hex. The same event never has two ids. */
  id: string
  pact: string
  /** `entry-applied` for every entry; a subject change's kind otherwise; `correction` when a reorder took an event back. */
  kind: string
  /** Id of the event that a correction takes back. */
  corrects?: string
  subject: string
  subject_id: string
  position: number
  data?: unknown
  /** Present on `entry-applied`. */
  entry?: EntryView | null
}

export interface Events {
  /** Events after `seq`, oldest first. */
  after(seq: number, options?: { pact?: Pact; limit?: number }): PactEvent[]
  /** Number of the newest event. */
  head(): number
  /** Called when new events are in the outbox. Returns its undo. */
  onEvents(fn: () => void): () => void
}

export const events = serviceRef<Events>('events', 1)
