/** The table `entries`: one row per linearised entry, written from a record and rendered as the API shows it. */
import { ACCEPTED, type LogRecord, type Pact, pactId, type Ref } from '../../kernel/index.ts'
import { marksOf } from '../operations/marks.ts'
import type { Database, Value } from '../store/sqlite.ts'
import { packedRows } from './packed.ts'
import type { ReadPayload } from './payloads.ts'
import type { People } from './people.ts'
import { lanes, positionOf, rowKey } from './rows.ts'
import type { EntryView } from './service.ts'
import type { Words } from './words.ts'

/** Columns of a row, in the order that `EntryRow` names them. */
export const COLUMNS = 'at, writer, n, type, v, topic, agent, timestamp, verdict, payload, refs, unreadable, extra'

export interface EntryRow {
  at: number
  writer: number
  n: number
  type: number | null
  v: number | null
  topic: number | null
  agent: number | null
  timestamp: number | null
  verdict: number | null
  payload: string
  refs: string | null
  unreadable: string | null
  extra: string | null
}

/** Bytes of a dedup hash that are kept: enough to tell keys apart, half the size. */
const DEDUP_BYTES = 16
const DAY = 24 * 60 * 60 * 1000

/** The part of a row that says which entry it is. */
type NamedRow = Pick<EntryRow, 'at' | 'writer' | 'n' | 'type' | 'verdict' | 'extra'>

type Extra = Pick<EntryView, 'caused_by' | 'hops' | 'run' | 'origin' | 'secret_allowed' | 'carried_from'>

export class Entries {
  readonly #db: Database
  readonly #words: Words
  readonly #people: People

  constructor(db: Database, words: Words, people: People) {
    this.#db = db
    this.#words = words
    this.#people = people
  }

  /** Writes a record's row. `preview` rows stand in for history that is not indexed yet. */
  insert(pactNo: number, record: LogRecord, read: ReadPayload, preview = false): number {
    const { entry } = record
    const accepted = record.verdict === ACCEPTED
    const lane = accepted
      ? preview
        ? lanes.previewAccepted
        : lanes.accepted
      : preview
        ? lanes.previewRefused
        : lanes.refused
    const at = rowKey(pactNo, lane, record.position)
    const insert = this.#db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    insert.run(
      at,
      this.#people.writer(pactNo, record.writer),
      entry ? record.n : -1 - record.n,
      entry && this.#words.number(entry.type),
      entry?.v ?? null,
      entry?.topic ? this.#words.number(entry.topic) : null,
      entry && this.#people.agent(pactNo, entry.agent.toString('hex')),
      entry?.timestamp ?? null,
      accepted ? null : this.#words.number(record.verdict),
      read.json,
      entry?.refs.length ? JSON.stringify(entry.refs.map(wireRef)) : null,
      entry?.dedup ? entry.dedup.subarray(0, DEDUP_BYTES) : null,
      read.unreadable,
      extraOf(record),
    )
    return at
  }

  /** Edges of an accepted entry to entries of the same pact; those of other pacts are in its row only. */
  link(pact: Pact, at: number, record: LogRecord): void {
    for (const ref of record.entry?.refs ?? []) {
      // What was carried over may name its own pact as it was then.
      const own = !ref.pact || ref.pact === pact.id || (record.carried && ref.pact === pactId(record.carried))
      if (!own) continue
      this.#db.prepare('INSERT OR IGNORE INTO refs VALUES (?, ?, ?)').run(ref.id, at, this.#words.number(ref.type))
    }
  }

  /** Cuts rows, edges and changes of a pact from a position on. Nothing else has to be known to undo them. */
  cut(pactNo: number, position: number): void {
    const from = rowKey(pactNo, lanes.accepted, position)
    const to = rowKey(pactNo, lanes.refused, 0)
    const linked = this.#db
      .prepare('SELECT at, refs FROM entries WHERE at >= ? AND at < ? AND refs IS NOT NULL')
      .all(from, to)
    for (const { at, refs } of linked) {
      for (const ref of JSON.parse(refs as string) as Ref[]) {
        this.#db.prepare('DELETE FROM refs WHERE dst = ? AND at = ?').run(ref.id, at as number)
      }
    }
    this.#db.prepare('DELETE FROM changes WHERE at >= ? AND at < ?').run(from, to)
    this.#deleteRows(from, to)
    this.#deleteRows(rowKey(pactNo, lanes.refused, position), rowKey(pactNo, lanes.previewAccepted, 0))
  }

  /** Takes preview rows away: those below `to` when they were indexed, those from `from` on when they no longer hold. */
  cutPreview(pactNo: number, { from = 0, to = 2 ** 32 - 1 }: { from?: number; to?: number } = {}): void {
    for (const lane of [lanes.previewAccepted, lanes.previewRefused]) {
      this.#deleteRows(rowKey(pactNo, lane, from), rowKey(pactNo, lane, to))
    }
  }

  /** Types of the accepted entries from a position on. */
  typesFrom(pactNo: number, position: number): string[] {
    return this.#db
      .prepare('SELECT type FROM entries WHERE at >= ? AND at < ?')
      .all(rowKey(pactNo, lanes.accepted, position), rowKey(pactNo, lanes.refused, 0))
      .map(({ type }) => (type === null ? '' : this.#words.text(Number(type))))
  }

  /** The row at a position, whatever its verdict. */
  at(pactNo: number, position: number): EntryRow | null {
    for (const lane of Object.values(lanes)) {
      const row = this.#db.prepare(`SELECT ${COLUMNS} FROM entries WHERE at = ?`).get(rowKey(pactNo, lane, position))
      if (row) return row as unknown as EntryRow
    }
    return null
  }

  /** The accepted rows at some positions, in no order. */
  accepted(pactNo: number, positions: Iterable<number>): EntryRow[] {
    const keys = Array.from(positions, position => rowKey(pactNo, lanes.accepted, position))
    const sql = `SELECT ${COLUMNS} FROM entries WHERE at IN (SELECT value FROM json_each(?))`
    return packedRows<EntryRow>(this.#db, COLUMNS, sql, [JSON.stringify(keys)])
  }

  /** What `identify` takes of the rows from a position up to another, by position, whatever their verdicts. */
  named(pactNo: number, from: number, to: number): Map<number, NamedRow> {
    const select = this.#db.prepare('SELECT at, writer, n, type, verdict, extra FROM entries WHERE at >= ? AND at < ?')
    const rows = [lanes.accepted, lanes.refused].flatMap(
      lane => select.all(rowKey(pactNo, lane, from), rowKey(pactNo, lane, to)) as unknown as NamedRow[],
    )
    return new Map(rows.map(row => [positionOf(row.at), row]))
  }

  /** The row of an entry's id, or null when the id is unknown or no id at all. */
  byId(pactNo: number, id: string): EntryRow | null {
    const parts = /^([0-9a-f]{8})-(b?)(\d{1,15})$/.exec(id)
    if (!parts) return null
    const [, prefix, malformed, number] = parts as unknown as [string, string, string, string]
    const n = malformed ? -1 - Number(number) : Number(number)
    for (const writer of this.#people.writersWith(pactNo, prefix)) {
      const row = this.#db
        .prepare(`SELECT ${COLUMNS} FROM entries INDEXED BY entries_id WHERE writer = ? AND n = ? LIMIT 1`)
        .get(writer, n)
      if (row) return row as unknown as EntryRow
    }
    return null
  }

  /** The first row with a dedup hash, of an agent if one is named, accepted before refused. */
  byDedup(pactNo: number, dedup: Buffer, agent?: number): EntryRow | null {
    const rows = this.#db
      .prepare(
        `SELECT ${COLUMNS} FROM entries INDEXED BY entries_dedup WHERE dedup = ? AND at >= ? AND at < ? ORDER BY at`,
      )
      .iterate(dedup.subarray(0, DEDUP_BYTES), rowKey(pactNo, lanes.accepted, 0), rowKey(pactNo + 1, lanes.accepted, 0))
    for (const row of rows) if (agent === undefined || row.agent === agent) return row as unknown as EntryRow
    return null
  }

  /** Id, type and verdict of a row. A malformed entry has no type: ''. */
  identify(row: NamedRow): { id: string; type: string; verdict: string } {
    const prefix = this.#people.writerPrefix(row.writer)
    return {
      id: row.n < 0 ? `${prefix}-b${-1 - row.n}` : `${prefix}-${row.n}`,
      type: row.type === null ? '' : this.#words.text(row.type),
      verdict: row.verdict === null ? ACCEPTED : this.#words.text(row.verdict),
    }
  }

  /** Renders a row. `confirmed` is the length below which nothing moves any more. */
  render(row: EntryRow, confirmed: number): EntryView {
    const agent = row.agent === null ? null : this.#people.byNumber(row.agent)
    const { id, type, verdict } = this.identify(row)
    return view({
      id,
      type,
      v: row.v ?? 0,
      topic: row.topic === null ? '' : this.#words.text(row.topic),
      payload: JSON.parse(row.payload),
      refs: row.refs === null ? [] : (JSON.parse(row.refs) as Ref[]),
      agent,
      timestamp: row.timestamp ?? 0,
      position: positionOf(row.at),
      verdict,
      confirmed,
      unreadable: row.unreadable,
      extra: row.extra === null ? null : (JSON.parse(row.extra) as Extra),
    })
  }

  /** Renders a record that has no row, or need not be looked up. */
  renderRecord(pactNo: number, record: LogRecord, read: ReadPayload, confirmed: number): EntryView {
    const { entry } = record
    const key = entry?.agent.toString('hex')
    return view({
      id: record.id,
      type: entry?.type ?? '',
      v: entry?.v ?? 0,
      topic: entry?.topic ?? '',
      payload: JSON.parse(read.json),
      refs: entry ? entry.refs.map(wireRef) : [],
      agent: key
        ? (this.#people.find(pactNo, key) ?? { key, handle: `unknown-${key.slice(0, 6)}`, identity: null })
        : null,
      timestamp: entry?.timestamp ?? 0,
      position: record.position,
      verdict: record.verdict,
      confirmed,
      unreadable: read.unreadable,
      extra: JSON.parse(extraOf(record) ?? 'null') as Extra | null,
    })
  }

  #deleteRows(from: Value, to: Value): void {
    this.#db.prepare('DELETE FROM entries WHERE at >= ? AND at < ?').run(from, to)
  }
}

interface Shown {
  id: string
  type: string
  v: number
  topic: string
  payload: unknown
  refs: Ref[]
  agent: { key: string; handle: string; identity: string | null } | null
  timestamp: number
  position: number
  verdict: string
  confirmed: number
  unreadable: string | null
  extra: Extra | null
}

function view(shown: Shown): EntryView {
  const { agent, timestamp, position, unreadable, extra } = shown
  // Written out: spreading would cost a third of a list.
  const entry: EntryView = {
    id: shown.id,
    type: shown.type,
    v: shown.v,
    topic: shown.topic,
    payload: shown.payload,
    refs: shown.refs,
    author: agent?.handle ?? '',
    agent: agent?.key ?? '',
    identity: agent?.identity ?? null,
    timestamp: new Date(timestamp).toISOString(),
    position,
    verdict: shown.verdict,
    confirmed: position >= 0 && position < shown.confirmed,
  }
  if (timestamp > Date.now() + DAY) entry.from_future = true
  if (unreadable !== null) entry.unreadable = unreadable
  return extra === null ? entry : Object.assign(entry, extra)
}

function wireRef({ pact, id, type }: Ref): Ref {
  return pact ? { pact, id, type } : { id, type }
}

function extraOf({ entry, carried }: LogRecord): string | null {
  const { secret, run } = marksOf(entry?.ext)
  if (!entry || !(entry.caused_by || entry.hops || run || entry.origin || secret || carried)) return null
  const extra: Extra = {}
  if (entry.caused_by) extra.caused_by = entry.caused_by
  if (entry.hops) extra.hops = entry.hops
  if (run) extra.run = run
  if (entry.origin) extra.origin = entry.origin
  if (secret) extra.secret_allowed = true
  if (carried) extra.carried_from = pactId(carried)
  return JSON.stringify(extra)
}
