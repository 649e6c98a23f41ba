/** How an accepted entry changes the row of its task, and what of that others want to hear. */
import type { LogRecord } from '../../kernel/index.ts'
import type { ProjectionContext } from '../read-model/table.ts'
import type { Database, Value } from '../store/sqlite.ts'
import { type LeasePayload, priorities, type TaskPayload } from './payloads.ts'

/** What changes are made of. */
interface Row {
  id: string
  position: number
  topic: string
  status: string
  assignee: string | null
  claimant: string | null
  blocked: number
}

const COLUMNS = 'id, position, topic, status, assignee, claimant, blocked'

export function projectTask(record: LogRecord, db: Database, context: ProjectionContext): void {
  const { entry } = record
  const { payload, pactNo } = context
  if (!entry || payload === undefined) return
  const update = (set: string, ...values: Value[]) => {
    const { task } = payload as { task: string }
    const sql = `UPDATE tasks_task SET changed = ?, ${set} WHERE pact = ? AND id = ? AND waits_for IS NULL RETURNING ${COLUMNS}`
    return db.prepare(sql).get(record.position, ...values, pactNo, task) as Row | undefined
  }
  const tell = (kind: string, row: Row | undefined) => {
    if (!row) return
    const { id, topic, status, assignee, claimant } = row
    context.emit({ subject: 'task', id, kind: `task.${kind}`, data: { topic, status, assignee, claimant } })
  }
  const leaseEnd = () => entry.timestamp + (payload as LeasePayload).lease_ms

  switch (entry.type) {
    case 'task': {
      const row = insert(record, entry.topic, payload as TaskPayload, db, pactNo)
      tell('open', row)
      if (row?.blocked === 0) tell('ready', row)
      return
    }
    case 'task.claim': {
      const agent = entry.agent.toString('hex')
      tell('claimed', update(`status = 'claimed', claimant = ?, lease_until = ?, overdue = 0`, agent, leaseEnd()))
      return
    }
    case 'task.renew': {
      update('lease_until = ?, overdue = 0', leaseEnd())
      return
    }
    case 'task.release': {
      const row = update(`status = 'open', claimant = NULL, lease_until = NULL`)
      tell('released', row)
      tell('open', row)
      tell('ready', row)
      return
    }
    case 'tick': {
      for (const row of lapse(entry.timestamp, db, pactNo)) tell('overdue', row)
      return
    }
    case 'task.complete': {
      const row = update(`status = 'complete', lease_until = NULL`)
      tell('complete', row)
      if (row) for (const freed of unblock(row.id, db, pactNo)) tell('ready', freed)
    }
  }
}

/** The row of a new task, and one for each task that it waits for. */
function insert(record: LogRecord, topic: string, payload: TaskPayload, db: Database, pactNo: number): Row | undefined {
  const { priority = 'normal', assignee = null, depends_on = [] } = payload
  const urgency = priorities.length - 1 - priorities.indexOf(priority)
  const incomplete = db.prepare(
    `SELECT 1 FROM tasks_task WHERE pact = ? AND id = ? AND waits_for IS NULL AND status <> 'complete'`,
  )
  const waitsFor = depends_on.filter(id => incomplete.get(pactNo, id))
  for (const id of waitsFor) {
    db.prepare('INSERT INTO tasks_task (pact, id, waits_for) VALUES (?, ?, ?)').run(pactNo, record.id, id)
  }
  return db
    .prepare(
      `INSERT INTO tasks_task (pact, id, position, changed, topic, urgency, assignee, blocked, status)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open') RETURNING ${COLUMNS}`,
    )
    .get(pactNo, record.id, record.position, record.position, topic, urgency, assignee, waitsFor.length) as
    | Row
    | undefined
}

/** Claimed tasks whose lease has ended by a moment and that were not told so yet, the first to end first. */
function lapse(time: number, db: Database, pactNo: number): Row[] {
  const due = db
    .prepare(
      `SELECT id FROM tasks_task INDEXED BY tasks_task_due
       WHERE pact = ? AND status = 'claimed' AND overdue = 0 AND lease_until <= ? ORDER BY lease_until, position`,
    )
    .all(pactNo, time)
  const mark = db.prepare(
    `UPDATE tasks_task SET overdue = 1 WHERE pact = ? AND id = ? AND waits_for IS NULL RETURNING ${COLUMNS}`,
  )
  return due.map(({ id }) => mark.get(pactNo, id as string) as unknown as Row)
}

/** One task less to wait for, for all that waited for `id`. Answers those that now wait for nothing, oldest first. */
function unblock(id: string, db: Database, pactNo: number): Row[] {
  const waiting = db
    .prepare('DELETE FROM tasks_task WHERE pact = ? AND waits_for = ? RETURNING id')
    .all(pactNo, id)
    .map(row => row.id as string)
  const step = db.prepare(
    `UPDATE tasks_task SET blocked = blocked - 1 WHERE pact = ? AND id = ? AND waits_for IS NULL RETURNING ${COLUMNS}`,
  )
  return waiting
    .map(task => step.get(pactNo, task) as unknown as Row)
    .filter(row => row.blocked === 0)
    .sort((a, b) => a.position - b.position)
}
