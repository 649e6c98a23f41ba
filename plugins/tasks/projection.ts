/** How an accepted entry changes the row of its task, and what of that others want to hear. */
import type { LogRecord } from '../../kernel/index.ts'
import type { ProjectionContext } from '../read-model/table.ts'
import type { Database, Value } from '../store/sqlite.ts'
import { type LeasePayload, priorities, type TaskPayload } from './payloads.ts'

/** What events about a task carry beside its id. */
interface Row {
  id: string
  topic: string
  status: string
  assignee: string | null
  claimant: string | null
  blocked: number
}

const ROW = 'id, topic, status, assignee, claimant, blocked'

export function projectTask(record: LogRecord, db: Database, context: ProjectionContext): void {
  const { entry } = record
  const { payload } = context
  if (!entry || payload === undefined) return
  const agent = entry.agent.toString('hex')
  const change = (sql: string, ...values: Value[]): Row | undefined => {
    const { task } = payload as { task: string }
    const statement = db.prepare(`UPDATE tasks_task SET last = ?, ${sql} WHERE pact = ? AND id = ? RETURNING ${ROW}`)
    return statement.get(record.id, ...values, context.pactNo, task) as Row | undefined
  }
  const tell = (kind: string, row: Row | undefined) => {
    if (!row) return
    const { id, topic, status, assignee, claimant } = row
    context.emit({ subject: 'task', id, kind: `task.${kind}`, data: { topic, status, assignee, claimant } })
  }

  switch (entry.type) {
    case 'task': {
      const row = insert(record, entry.topic, payload as TaskPayload, db, context.pactNo)
      tell('open', row)
      if (row?.blocked === 0) tell('ready', row)
      return
    }
    case 'task.claim': {
      const until = entry.timestamp + (payload as LeasePayload).lease_ms
      tell('claimed', change(`status = 'claimed', claimant = ?, lease_until = ?`, agent, until))
      return
    }
    case 'task.renew':
      change('lease_until = ?', entry.timestamp + (payload as LeasePayload).lease_ms)
      return
    case 'task.release': {
      const row = change(`status = 'open', claimant = NULL, lease_until = NULL`)
      tell('released', row)
      tell('ready', row)
      return
    }
    case 'task.complete': {
      const row = change(`status = 'complete', lease_until = NULL`)
      tell('complete', row)
      if (row) for (const freed of unblock(row.id, db, context.pactNo)) tell('ready', freed)
    }
  }
}

function insert(record: LogRecord, topic: string, payload: TaskPayload, db: Database, pactNo: number): Row | undefined {
  const { priority = 'normal', assignee = null, depends_on = [] } = payload
  return db
    .prepare(
      `INSERT INTO tasks_task (pact, id, position, last, topic, urgency, assignee, status, claimant, lease_until, blocked)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'open', NULL, NULL, (
         SELECT count(*) FROM json_each(?) AS needed
         JOIN tasks_task AS other ON other.pact = ? AND other.id = needed.value AND other.status <> 'complete'
       )) RETURNING ${ROW}`,
    )
    .get(
      pactNo,
      record.id,
      record.position,
      record.id,
      topic,
      priorities.length - 1 - priorities.indexOf(priority),
      assignee,
      JSON.stringify(depends_on),
      pactNo,
    ) as Row | undefined
}

/** One dependency less for all that wait for `id`. Answers those that now wait for nothing, oldest first. */
function unblock(id: string, db: Database, pactNo: number): Row[] {
  return db
    .prepare(
      `UPDATE tasks_task SET blocked = blocked - 1
       WHERE pact = ? AND id IN (SELECT task FROM tasks_dep WHERE pact = ? AND needs = ?)
       RETURNING position, ${ROW}`,
    )
    .all(pactNo, pactNo, id)
    .filter(row => row.blocked === 0)
    .sort((a, b) => Number(a.position) - Number(b.position)) as unknown as Row[]
}
