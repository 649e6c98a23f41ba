/** The read model: every query is an indexed lookup in `index.db`, which can be deleted at any time. */
import { type LogRecord, type Pact, serviceRef } from '../../kernel/index.ts'
import type { Database, Value } from '../store/sqlite.ts'
import type { SubjectChange } from './table.ts'

/** An entry as the API shows it. Field names are the wire's. */
export interface EntryView {
  id: string
  type: string
  v: number
  topic: string
  payload: unknown
  refs: { pact?: string; id: string; type: string }[]
  /** Handle of the agent, `<name>-<6 hex>`. */
  author: string
  /** Hex of the agent's key. */
  agent: string
  /** Hex of the identity's key. */
  identity: string | null
  /** ISO 8601: the author's claim. */
  timestamp: string
  /** True when the timestamp lies more than a day ahead of this machine's clock. */
  from_future?: true
  position: number
  verdict: string
  confirmed: boolean
  /** Why the payload could not be read here, e.g. a schema mismatch. */
  unreadable?: string
  caused_by?: string
  hops?: number
  origin?: string
  /** Ids that refer to it are found under `/entries/:id/referenced-by`. */
}

export interface EntryQuery {
  type?: string | readonly string[]
  topic?: string
  /** Hex key of an agent. */
  agent?: string
  /** Only accepted entries by default. */
  verdict?: 'accepted' | 'refused' | 'any'
  /** ISO or ms: bounds on the author's timestamp. */
  since?: number
  until?: number
  order?: 'asc' | 'desc'
  /** 1–1000, default 50. */
  limit?: number
  cursor?: string
}

export interface Page<T> {
  entries: T[]
  cursor: string | null
  has_more: boolean
}

export interface ReadModel {
  readonly db: Database
  /** Value of the `pact` column for a pact. */
  pactNo(pact: Pact): number
  /** A prepared statement, cached by its text. */
  prepare(sql: string): ReturnType<Database['prepare']>
  /** An indexed lookup; null when unknown here. */
  entry(pact: Pact, id: string): EntryView | null
  entryByDedup(pact: Pact, dedup: Buffer): EntryView | null
  entries(pact: Pact, query: EntryQuery): Page<EntryView>
  /** Entries that refer to `id`. */
  referencedBy(pact: Pact, id: string, options?: { type?: string; limit?: number; cursor?: string }): Page<EntryView>
  /** Renders a record that stands in the view. */
  view(pact: Pact, record: LogRecord): EntryView
  /** How far the index of a pact is: `partial` while older history is still being fetched. */
  progress(pact: Pact): { indexed: number; length: number; partial: boolean }
  /** Catches up with the log now. Called by the kernel's hooks; also for tests. */
  sync(pact: Pact): Promise<void>
  /**
   * Position, chain and subject changes of indexed records from `position` on, for the outbox. Only contiguous history.
   */
  changes(
    pact: Pact,
    position: number,
    limit: number,
  ): { position: number; chain: Buffer; id: string; type: string; verdict: string; changes: SubjectChange[] }[]
  /** Chain at a position of the index (the prefix below it), or null when not indexed that far or pruned. */
  chainAt(pact: Pact, position: number): Buffer | null
  /** Drops and rebuilds everything from the logs. Emits no events. */
  rebuild(): Promise<void>
  /** All rows of all derived tables of a pact in a canonical order, for comparing with a rebuild in tests. */
  dump(pact: Pact): string
  /** Called after each committed sync with the lowest position that changed. Returns its undo. */
  onSync(fn: (pact: Pact, from: number) => void): () => void
}

export const readModel = serviceRef<ReadModel>('read-model', 1)
export type { Value }

/** Encodes a page position as an opaque cursor. */
export function encodeCursor(parts: (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Decodes what `encodeCursor` made; null when it is not a cursor. */
export function decodeCursor(cursor: string): (string | number)[] | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (!Array.isArray(parts)) return null
    return parts.every(p => typeof p === 'string' || typeof p === 'number') ? (parts as (string | number)[]) : null
  } catch {
    return null
  }
}
