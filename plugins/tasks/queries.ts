/** The SQL behind lists of tasks. Every one is a walk along an index that ends with the page; see tables.ts for the indexes. */
import type { Pact } from '../../kernel/index.ts'
import { packedRows, type ReadModel, type Value } from '../read-model/service.ts'
import type { TaskRow } from './state.ts'

/** What of the read model the queries need. */
type Index = Pick<ReadModel, 'prepare' | 'pactNo'>

/** The last task of the page before, by what its list is ordered by. */
export type Place = readonly number[] | null

export interface Filter {
  topic?: string
  /** Hex key. */
  assignee?: string
}

export interface ListFilter extends Filter {
  status?: TaskRow['status']
}

const COLUMNS = 'id, position, changed, topic, assignee, blocked, status, claimant, lease_until, urgency'
const statuses: TaskRow['status'][] = ['open', 'claimed', 'complete']

export function taskRow(model: Index, pact: Pact, id: string): TaskRow | null {
  const row = model
    .prepare(`SELECT ${COLUMNS} FROM tasks_task WHERE pact = ? AND id = ? AND waits_for IS NULL`)
    .get(model.pactNo(pact), id)
  return (row as TaskRow | undefined) ?? null
}

/** Positions of the accepted entries about a task, oldest first. */
export function historyOf(model: Index, pact: Pact, id: string): number[] {
  return model
    .prepare('SELECT position FROM tasks_history WHERE pact = ? AND task = ? ORDER BY position')
    .all(model.pactNo(pact), id)
    .map(row => row.position as number)
}

/** Tasks in the order in which they were recorded. `after` is `[position]`. A list of any status is three lists, merged. */
export function listRows(
  model: Index,
  pact: Pact,
  filter: ListFilter,
  page: { order: 'asc' | 'desc'; limit: number; after: Place },
): TaskRow[] {
  const { order, limit, after } = page
  const { terms, values } = where(filter)
  const [compare, start] = order === 'asc' ? ['>', -1] : ['<', Number.MAX_SAFE_INTEGER]
  const wanted = filter.status ? [filter.status] : statuses
  const parts = wanted.map(
    () => `SELECT * FROM (
      SELECT ${COLUMNS} FROM tasks_task WHERE pact = ? ${terms} AND status = ? AND position ${compare} ?
      ORDER BY position ${order} LIMIT ?)`,
  )
  const parameters = wanted.flatMap(status => [model.pactNo(pact), ...values, status, after?.[0] ?? start, limit])
  return union(model, parts, `position ${order}`, parameters, limit)
}

/**
 * Tasks that can be claimed at ledger time `time`: the most urgent first, then the oldest. `after` is `[urgency, position]`.
 * Tasks whose lease ran out join those that are open; there are few, so that sorting them costs little.
 */
export function readyRows(
  model: Index,
  pact: Pact,
  filter: Filter,
  page: { limit: number; after: Place; time: number },
): TaskRow[] {
  const { limit, after, time } = page
  const { terms, values } = where(filter)
  const part = (ready: string) => `SELECT * FROM (
    SELECT ${COLUMNS} FROM tasks_task WHERE pact = ? ${terms} AND ${ready} AND (urgency, position) > (?, ?)
    ORDER BY urgency, position LIMIT ?)`
  const [urgency, position] = after ?? [-1, -1]
  const rest = [urgency as number, position as number, limit]
  const parts = [part(`status = 'open' AND blocked = 0`), part(`status = 'claimed' AND lease_until <= ?`)]
  const parameters = [model.pactNo(pact), ...values, ...rest, model.pactNo(pact), ...values, time, ...rest]
  return union(model, parts, 'urgency, position', parameters, limit)
}

function where({ topic, assignee }: Filter): { terms: string; values: Value[] } {
  const terms = `${assignee === undefined ? '' : 'AND assignee = ?'} ${topic === undefined ? '' : 'AND topic = ?'}`
  return { terms, values: [assignee, topic].filter(value => value !== undefined) }
}

function union(model: Index, parts: string[], order: string, values: Value[], limit: number): TaskRow[] {
  const sql = `${parts.join(' UNION ALL ')} ORDER BY ${order} LIMIT ?`
  return packedRows<TaskRow>(model, COLUMNS, sql, [...values, limit])
}
