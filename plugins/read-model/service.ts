/** The read model: every query is an indexed lookup in `index.db`, which can be deleted at any time. */
import { type LogRecord, type Pact, serviceRef } from '../../kernel/index.ts'
import type { Call } from '../operations/operation.ts'
import type { Database, Statement, Value } from '../store/sqlite.ts'
import type { SubjectChange } from './table.ts'

/** An entry as the API shows it. Field names are the wire's. */
export interface EntryView {
  /** `<8 hex>-<n>`; `<8 hex>-b<block>` for a malformed one, whose type is empty. */
  id: string
  type: string
  v: number
  topic: string
  /** As signed. Where `unreadable` is set: what is known of it (ciphertext in base64, raw text, or `{ size, hash }`). */
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
  /** Key of the run of a trigger that wrote it: 32 hex. */
  run?: string
  origin?: string
  /** Its author had it signed without a search for secrets. */
  secret_allowed?: true
  /** Id of the pact that it was written in, when refounding carried it over. */
  carried_from?: string
}

/** Each combination that is not refused with QUERY_UNSUPPORTED is one range of an index per type. */
export interface EntryQuery {
  /** One, or at most 16. */
  type?: string | readonly string[]
  topic?: string
  /** Key (64 hex) or handle of an agent. */
  agent?: string
  /** Only accepted entries by default. `topic` and `agent` together need `type`. */
  verdict?: 'accepted' | 'refused' | 'any'
  /**
   * Bounds on the author's timestamp, ms since 1970, both inclusive. They need `type`, exclude `topic` and `agent`, and order the
   * page by timestamp: a claim of the authors, so for browsing and not for following. To follow, use events.
   */
  since?: number
  until?: number
  /** By position; `desc` (newest first) by default. */
  order?: 'asc' | 'desc'
  /** 1–1000, default 50. */
  limit?: number
  cursor?: string
}

export interface Page<T> {
  entries: T[]
  /** Send it as `cursor` for the next page; null when there is none. */
  cursor: string | null
  has_more: boolean
  /** History is still on its way to this machine: more will be found later. */
  partial?: true
}

/** What stands at one position of a log, and what it changed. */
export interface Happening {
  position: number
  /** Chain of the prefix that ends with it. */
  chain: Buffer
  id: string
  type: string
  verdict: string
  /** It was carried over from an earlier pact: no news. */
  carried: boolean
  changes: SubjectChange[]
}

export interface Progress {
  /** Entries that are indexed without a gap. */
  indexed: number
  /** Length below which the index is confirmed: nothing there is undone any more. */
  confirmed: number
  length: number
  /** Positions below this are indexed in every table, and their authors are known: all that happened there can be looked up. */
  reach: number
  /** Older history, or a table of it, is still being fetched or indexed; the newest entries can be read already. */
  partial: boolean
  /** How often the index of this pact was found to differ from confirmed history and was rebuilt since the start. */
  rebuilds: number
}

export interface ReadModel {
  /** Read here what `project` wrote. Statements are cached by their text; never write outside a projection. */
  readonly db: Database
  /** Value of the `pact` column for a pact. */
  pactNo(pact: Pact): number
  /** `db.prepare` */
  prepare(sql: string): Statement
  /** An indexed lookup; null when unknown here. */
  entry(pact: Pact, id: string): EntryView | null
  /** The entry at a position, whatever its verdict; null when it is not indexed. */
  entryAt(pact: Pact, position: number): EntryView | null
  /** Accepted entries by their positions; those that are not indexed are left out. */
  entriesAt(pact: Pact, positions: Iterable<number>): Map<number, EntryView>
  /** The first entry with a dedup hash, accepted before refused; of one agent (hex key), as others can copy the hash. */
  entryByDedup(pact: Pact, dedup: Buffer, agent?: string): EntryView | null
  /** Key (hex) of an author by key, handle, name or `me`, also of a pact before. @throws OpenPactError AGENT_NOT_FOUND, AGENT_AMBIGUOUS */
  author(call: Pick<Call, 'pact' | 'caller' | 'kernel'>, text: string): Promise<string>
  /** @throws OpenPactError CURSOR_INVALID, QUERY_UNSUPPORTED, INVALID_INPUT */
  entries(pact: Pact, query: EntryQuery): Page<EntryView>
  /** Accepted entries that refer to `id`, by position, newest first by default. @throws OpenPactError CURSOR_INVALID, INVALID_INPUT */
  referencedBy(
    pact: Pact,
    id: string,
    options?: { type?: string; order?: 'asc' | 'desc'; limit?: number; cursor?: string },
  ): Page<EntryView>
  /** Renders a record that stands in the view. */
  view(pact: Pact, record: LogRecord): EntryView
  /** How far the index of a pact is. */
  progress(pact: Pact): Progress
  /**
   * Resolves when an entry that was written here can be read, at once as a rule. While a reorder is under way Autobase can show the log
   * without it for a moment; after 5 s this gives up and resolves all the same.
   */
  written(pact: Pact, id: string): Promise<void>
  /** Catches up with the log now. Called by the kernel's hooks; also for tests. */
  sync(pact: Pact): Promise<void>
  /**
   * What happened from `position` on, for the outbox: only contiguous history that every table has seen. Fewer than `limit` when
   * the index ends, or when a chain cannot be read now.
   */
  changes(pact: Pact, position: number, limit: number): Promise<Happening[]>
  /** Changes at one position, as far as it is indexed. */
  changesAt(pact: Pact, position: number): SubjectChange[]
  /** Chain at a position of the index (of the prefix below it), or null when not indexed that far or not on this machine. */
  chainAt(pact: Pact, position: number): Promise<Buffer | null>
  /** Raised whenever indexed entries were undone: who reads in several steps compares it before and after. */
  epoch(pact: Pact): number
  /** Drops and rebuilds everything from the logs. Emits no events. */
  rebuild(): Promise<void>
  /** All rows of all derived tables of a pact in a canonical order, for comparing with a rebuild in tests. */
  dump(pact: Pact): string
  /** Called after each committed sync with the lowest position that changed; the length when only more was confirmed. Returns its undo. */
  onSync(fn: (pact: Pact, from: number) => void): () => void
}

export const readModel = serviceRef<ReadModel>('read-model', 1)
export { packedRows } from './packed.ts'
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
