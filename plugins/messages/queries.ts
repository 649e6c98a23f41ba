/** The SQL behind lists of messages. Every one is a walk along an index that ends with the page; see tables.ts for the indexes. */
import type { Pact } from '../../kernel/index.ts'
import { packedRows, type ReadModel, type Value } from '../read-model/service.ts'
import type { Audience } from './audience.ts'
import { priorities } from './entries.ts'

type Index = Pick<ReadModel, 'prepare' | 'pactNo'>

export interface MessageRow {
  id: string
  position: number
  audience: Audience
  topic: string
  /** Hex key of the author. */
  agent: string
  thread: string
  /** 0 is the most urgent. */
  urgency: number
}

/** One of the columns that an index begins with, and what it must be. */
export type Filter = { column: 'audience' | 'topic' | 'agent'; value: string } | null

export interface PageBounds {
  order: 'asc' | 'desc'
  limit: number
  /** Position of the last message of the page before. */
  after: number | null
}

const COLUMNS = 'id, position, audience, topic, agent, thread, urgency'
const everyUrgency = priorities.map((_, urgency) => urgency)

export function messageRow(model: Index, pact: Pact, id: string): MessageRow | null {
  const row = model
    .prepare(`SELECT ${COLUMNS} FROM messages_message WHERE pact = ? AND id = ?`)
    .get(model.pactNo(pact), id)
  return (row as MessageRow | undefined) ?? null
}

/** In ledger order. A list of any urgency is one per urgency, merged. */
export function listRows(
  model: Index,
  pact: Pact,
  filter: Filter,
  urgency: number | null,
  { order, limit, after }: PageBounds,
): MessageRow[] {
  const [compare, start] = order === 'asc' ? ['>', -1] : ['<', Number.MAX_SAFE_INTEGER]
  const wanted = urgency === null ? everyUrgency : [urgency]
  const term = filter ? `AND ${filter.column} = ?` : ''
  const parts = wanted.map(
    () => `SELECT * FROM (
      SELECT ${COLUMNS} FROM messages_message INDEXED BY messages_message_${filter?.column ?? 'urgency'}
      WHERE pact = ? ${term} AND urgency = ? AND position ${compare} ? ORDER BY position ${order} LIMIT ?)`,
  )
  const fixed: Value[] = [model.pactNo(pact), ...(filter ? [filter.value] : [])]
  const values = wanted.flatMap(each => [...fixed, each, after ?? start, limit])
  const sql = `${parts.join(' UNION ALL ')} ORDER BY position ${order} LIMIT ?`
  return packedRows<MessageRow>(model, COLUMNS, sql, [...values, limit])
}

/** A thread in ledger order, oldest first. */
export function threadRows(
  model: Index,
  pact: Pact,
  thread: string,
  limit: number,
  after: number | null,
): MessageRow[] {
  const sql = `SELECT ${COLUMNS} FROM messages_message WHERE pact = ? AND thread = ? AND position > ? ORDER BY position LIMIT ?`
  return packedRows<MessageRow>(model, COLUMNS, sql, [model.pactNo(pact), thread, after ?? -1, limit])
}

/** Everything from a position on, oldest first. */
export function rowsFrom(model: Index, pact: Pact, position: number): MessageRow[] {
  return model
    .prepare(`SELECT ${COLUMNS} FROM messages_message WHERE pact = ? AND position >= ? ORDER BY position`)
    .all(model.pactNo(pact), position) as unknown as MessageRow[]
}

/** Everything for an audience below a position, oldest first; an audience that ends with `:` stands for all that begin so. */
export function rowsFor(model: Index, pact: Pact, audience: Audience, below: number): MessageRow[] {
  const whole = audience.endsWith(':')
  const term = whole ? 'audience >= ? AND audience < ?' : 'audience = ?'
  const bounds = whole ? [audience, `${audience.slice(0, -1)};`] : [audience]
  return model
    .prepare(
      `SELECT ${COLUMNS} FROM messages_message INDEXED BY messages_message_audience
       WHERE pact = ? AND ${term} AND position < ? ORDER BY position`,
    )
    .all(model.pactNo(pact), ...bounds, below) as unknown as MessageRow[]
}
