/** A task as the API shows it, made of its row and of the entries that the row points to. */
import { type Static, type TSchema, Type } from '../../kernel/index.ts'
import { Unsettled } from '../operations/unsettled.ts'
import type { EntryView } from '../read-model/service.ts'
import { Priority, TaskId } from './entries.ts'
import type { CompletePayload, ReleasePayload, TaskPayload } from './payloads.ts'

const Time = Type.String({ description: 'ISO 8601' })
const Handle = Type.String({ description: 'Handle of an agent' })
const orNull = <const T extends TSchema>(type: T) => Type.Union([type, Type.Null()])

export const Status = Type.Enum(['open', 'claimed', 'complete'])

export const HistoryEvent = Type.Object({
  id: TaskId,
  what: Type.Enum(['recorded', 'claimed', 'renewed', 'released', 'completed']),
  by: Handle,
  at: Time,
  position: Type.Integer(),
  confirmed: Type.Boolean(),
  reason: Type.Optional(Type.String()),
})

export const TaskState = Type.Object({
  id: TaskId,
  title: Type.String(),
  description: Type.String(),
  topic: Type.String(),
  priority: Priority,
  assignee: orNull(Type.String({ description: 'Handle of the agent, or hex key, that alone may claim it' })),
  depends_on: Type.Array(TaskId),
  status: Status,
  claimed_by: orNull(Handle),
  lease_until: orNull(Time),
  lease_expired: Type.Boolean({ description: 'By ledger time: another agent may claim it' }),
  result: Type.Unknown(),
  created_by: Handle,
  created_at: Time,
  position: Type.Integer({ description: 'Where in the ledger the task was recorded' }),
  confirmed: Type.Boolean({ description: 'Whether this state can no longer change by a reorder' }),
  provisional: Type.Optional(Type.Literal(true, { description: 'Present while not confirmed' })),
  ...Unsettled,
  history: Type.Optional(Type.Array(HistoryEvent)),
})
export type TaskState = Static<typeof TaskState>
export type HistoryEvent = Static<typeof HistoryEvent>

/** What `tasks_task` says of a task. */
export interface TaskRow {
  id: string
  /** Where the task was recorded. */
  position: number
  /** Where the entry stands that brought it into this state. */
  changed: number
  topic: string
  /** 0 is the most urgent. */
  urgency: number
  /** Hex key. */
  assignee: string | null
  /** Number of dependencies that are not complete. */
  blocked: number
  status: TaskState['status']
  /** Hex key. */
  claimant: string | null
  /** ms */
  lease_until: number | null
}

/** @param time ledger time, ms */
export function leaseOver({ lease_until }: TaskRow, time: number): boolean {
  return lease_until !== null && lease_until <= time
}

/**
 * @param time ledger time, ms
 * @param names what assignees are called, by their keys
 */
export function taskState(
  row: TaskRow,
  read: (position: number) => EntryView,
  time: number,
  names: Map<string, string>,
): TaskState {
  const recorded = read(row.position)
  const last = row.changed === row.position ? recorded : read(row.changed)
  const payload = recorded.payload as TaskPayload
  const held = row.status !== 'open'
  const { lease_until: until } = row
  return {
    id: row.id,
    title: payload.title,
    description: payload.description ?? '',
    topic: recorded.topic,
    priority: payload.priority ?? 'normal',
    assignee: row.assignee && (names.get(row.assignee) as string),
    depends_on: payload.depends_on ?? [],
    status: row.status,
    // Whoever claimed, renewed or completed is the one who holds or held it.
    claimed_by: held ? last.author : null,
    lease_until: until === null ? null : iso(until),
    lease_expired: leaseOver(row, time),
    result: row.status === 'complete' ? ((last.payload as CompletePayload).result ?? null) : null,
    created_by: recorded.author,
    created_at: recorded.timestamp,
    position: row.position,
    confirmed: last.confirmed,
    ...(!last.confirmed && { provisional: true as const }),
  }
}

/** The latest moment that has a date. */
const LAST_MOMENT = 8.64e15

function iso(ms: number): string {
  return new Date(Math.min(ms, LAST_MOMENT)).toISOString()
}

const WORDS: Record<string, HistoryEvent['what']> = {
  task: 'recorded',
  'task.claim': 'claimed',
  'task.renew': 'renewed',
  'task.release': 'released',
  'task.complete': 'completed',
}

export function historyEvent(entry: EntryView): HistoryEvent {
  const { id, author: by, timestamp: at, position, confirmed } = entry
  const { reason } = entry.payload as ReleasePayload
  const what = WORDS[entry.type] as HistoryEvent['what']
  return { id, what, by, at, position, confirmed, ...(reason !== undefined && { reason }) }
}
