/**
 * Lists of entries. Every list is made of streams: one range of one index each, in order, `limit` rows at most. Several types or
 * verdicts are several streams, merged; so a page costs what it answers, whatever else is in the pact.
 */
import { OpenPactError } from '../../kernel/index.ts'
import type { Database, Value } from '../store/sqlite.ts'
import './errors.ts'
import { COLUMNS, type EntryRow } from './entries.ts'
import { packedRows } from './packed.ts'
import { type Lane, laneKey, lanes, positionOf, rowKey } from './rows.ts'
import { decodeCursor, type EntryQuery, encodeCursor } from './service.ts'

/** Types in one query: each is a stream. */
const MAX_TYPES = 16
export const DEFAULT_LIMIT = 50
export const MAX_LIMIT = 1000

/** The rows of one page. */
export interface Rows {
  rows: EntryRow[]
  cursor: string | null
  has_more: boolean
}

/** One range of one index. */
export interface Stream {
  sql: string
  values: Value[]
}

/** What a query names, as numbers of the database. A word that no row uses is null: nothing can match. */
export interface Names {
  types: (number | null)[] | null
  topic?: number | null
  agent?: number | null
}

type Order = 'asc' | 'desc'

/** A page of entries in ledger order; with bounds on the timestamp, in the order of timestamps. */
export function pageOf(db: Database, pactNo: number, query: EntryQuery, names: Names, preview: boolean): Rows {
  const limit = limitOf(query.limit)
  const byTime = query.since !== undefined || query.until !== undefined
  const streams = streamsOf(pactNo, query, names, preview, limit + 1)
  const order = query.order ?? 'desc'
  const found = streams.flatMap(({ sql, values }) => packedRows<EntryRow>(db, COLUMNS, sql, values))
  if (streams.length > 1) found.sort(byTime ? compareBy(timeThenPosition, order) : compareBy(positionOnly, order))
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  const has_more = found.length > limit
  if (!last || !has_more) return { rows, cursor: null, has_more: false }
  return { rows, cursor: encodeCursor(byTime ? timeThenPosition(last) : positionOnly(last)), has_more }
}

/** The statements of a query. @throws OpenPactError CURSOR_INVALID, QUERY_UNSUPPORTED, INVALID_INPUT */
export function streamsOf(pactNo: number, query: EntryQuery, names: Names, preview: boolean, limit: number): Stream[] {
  const { types, topic, agent } = names
  if ([topic, agent].includes(null)) return []
  const wanted = types === null ? [undefined] : types.filter(type => type !== null)
  if (wanted.length > MAX_TYPES) throw unsupported(`at most ${MAX_TYPES} types can be asked for at once`)
  const byTime = query.since !== undefined || query.until !== undefined
  if (byTime && types === null) throw unsupported('bounds on time need a type')
  if (byTime && (topic !== undefined || agent !== undefined))
    throw unsupported('bounds on time go with neither topic nor agent')
  if (types === null && topic !== undefined && agent !== undefined)
    throw unsupported('topic and agent together need a type')
  const order = query.order ?? 'desc'
  return wanted.flatMap(type =>
    lanesOf(query, preview).map(lane =>
      byTime
        ? timeStream(pactNo, lane, type!, query, order, limit)
        : positionStream(
            pactNo,
            lane,
            { type, topic: topic ?? undefined, agent: agent ?? undefined },
            query,
            order,
            limit,
          ),
    ),
  )
}

function positionStream(
  pactNo: number,
  lane: Lane,
  filters: Record<'type' | 'topic' | 'agent', number | undefined>,
  query: EntryQuery,
  order: Order,
  limit: number,
): Stream {
  const after = query.cursor === undefined ? null : readCursor(query.cursor, 1)[0]!
  const from = after !== null && order === 'asc' ? after + 1 : 0
  const to = after !== null && order === 'desc' ? after : 2 ** 32 - 1
  const used = (['type', 'topic', 'agent'] as const).filter(name => filters[name] !== undefined)
  const index = used.length > 0 ? `INDEXED BY entries_${used.join('_')}` : ''
  const where = [...used.map(name => `${name} = ?`), 'at >= ?', 'at < ?'].join(' AND ')
  return {
    sql: `SELECT ${COLUMNS} FROM entries ${index} WHERE ${where} ORDER BY at ${order} LIMIT ?`,
    values: [...used.map(name => filters[name]!), rowKey(pactNo, lane, from), rowKey(pactNo, lane, to), limit],
  }
}

function timeStream(pactNo: number, lane: Lane, type: number, query: EntryQuery, order: Order, limit: number): Stream {
  const { since = 0, until = Number.MAX_SAFE_INTEGER, cursor } = query
  const conditions = ['type = ?', '(at >> 32) = ?']
  const values: Value[] = [type, laneKey(pactNo, lane)]
  if (cursor !== undefined) {
    const [timestamp, position] = readCursor(cursor, 2) as [number, number]
    if (timestamp < since || timestamp > until) throw new OpenPactError('CURSOR_INVALID')
    conditions.push(`(timestamp, at) ${order === 'asc' ? '>' : '<'} (?, ?)`)
    // One position has one row in one lane only, so comparing within this lane is enough.
    values.push(timestamp, rowKey(pactNo, lane, position))
  }
  // The bound that the cursor already gives is left out: two lower bounds would make SQLite step over rows.
  if (cursor === undefined || order === 'desc') {
    conditions.push('timestamp >= ?')
    values.push(since)
  }
  if (cursor === undefined || order === 'asc') {
    conditions.push('timestamp <= ?')
    values.push(until)
  }
  return {
    sql: `SELECT ${COLUMNS} FROM entries INDEXED BY entries_time WHERE ${conditions.join(' AND ')} ORDER BY timestamp ${order}, at ${order} LIMIT ?`,
    values: [...values, limit],
  }
}

function lanesOf({ verdict = 'accepted' }: EntryQuery, preview: boolean): Lane[] {
  const found: Lane[] = []
  if (verdict !== 'refused') found.push(lanes.accepted)
  if (verdict !== 'accepted') found.push(lanes.refused)
  if (preview && verdict !== 'refused') found.push(lanes.previewAccepted)
  if (preview && verdict !== 'accepted') found.push(lanes.previewRefused)
  return found
}

/** The entries that refer to one, in ledger order. `type` is the number of the reference's type. */
export function referringKeys(
  db: Database,
  pactNo: number,
  id: string,
  options: { type?: number; order?: Order; limit: number; cursor?: string },
): number[] {
  const { sql, values } = referringStream(pactNo, id, options)
  return db
    .prepare(sql)
    .all(...values)
    .map(({ at }) => Number(at))
}

export function referringStream(
  pactNo: number,
  id: string,
  { type, order = 'desc', limit, cursor }: { type?: number; order?: Order; limit: number; cursor?: string },
): Stream {
  const after = cursor === undefined ? null : readCursor(cursor, 1)[0]!
  const from = rowKey(pactNo, lanes.accepted, after !== null && order === 'asc' ? after + 1 : 0)
  const to = rowKey(pactNo, lanes.accepted, after !== null && order === 'desc' ? after : 2 ** 32 - 1)
  // DISTINCT: one entry may refer to another in several ways.
  return type === undefined
    ? {
        sql: `SELECT DISTINCT at FROM refs WHERE dst = ? AND at >= ? AND at < ? ORDER BY at ${order} LIMIT ?`,
        values: [id, from, to, limit],
      }
    : {
        sql: `SELECT at FROM refs INDEXED BY refs_type WHERE dst = ? AND type = ? AND at >= ? AND at < ? ORDER BY at ${order} LIMIT ?`,
        values: [id, type, from, to, limit],
      }
}

/** @throws OpenPactError INVALID_INPUT */
export function limitOf(limit = DEFAULT_LIMIT): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new OpenPactError('INVALID_INPUT', { reason: `limit: a whole number from 1 to ${MAX_LIMIT} is wanted` })
  return limit
}

/** The numbers of a cursor. @throws OpenPactError CURSOR_INVALID */
export function readCursor(cursor: string, parts: number): number[] {
  const found = decodeCursor(cursor)
  if (found?.length !== parts || !found.every(part => Number.isSafeInteger(part) && Number(part) >= 0))
    throw new OpenPactError('CURSOR_INVALID')
  return found.map(Number)
}

function unsupported(reason: string): OpenPactError {
  return new OpenPactError('QUERY_UNSUPPORTED', { reason })
}

const positionOnly = (row: EntryRow) => [positionOf(row.at)]
const timeThenPosition = (row: EntryRow) => [row.timestamp ?? 0, positionOf(row.at)]

function compareBy(key: (row: EntryRow) => number[], order: Order): (a: EntryRow, b: EntryRow) => number {
  const sign = order === 'asc' ? 1 : -1
  return (a, b) => {
    const [left, right] = [key(a), key(b)]
    const i = left.findIndex((part, at) => part !== right[at])
    return i < 0 ? 0 : sign * (left[i]! - right[i]!)
  }
}
