/**
 * The read model of tasks. It keeps what lists filter and sort by; titles, authors and results stay with their entries.
 * Only accepted entries reach it, in log order, so it repeats what the rule decided and decides nothing itself.
 */
import { table } from '../read-model/table.ts'
import { projectTask } from './projection.ts'

/** Types that touch a task: every one of them brings it into a new state. */
const types = ['task', 'task.claim', 'task.renew', 'task.release', 'task.complete']
/** A tick tells that leases have ended. */
const timedTypes = [...types, 'tick']

/**
 * The state that each task is in. `position` is where the task was recorded, `changed` where the entry stands that brought it into this state.
 * `urgency` counts down from the most urgent (0), so that the ready list is one ascending walk; `blocked` is the number of its
 * dependencies that are not complete.
 *
 * A row with `waits_for` is no task: it says that task `id` waits for task `waits_for`, and has no status. Both are in one table
 * because each table is rebuilt alone, and completing a task must find those that wait for it.
 */
export const tasksTable = table({
  name: 'tasks_task',
  version: 3,
  types: timedTypes,
  create: `
    CREATE TABLE tasks_task (
      pact INTEGER NOT NULL, id TEXT NOT NULL, waits_for TEXT, position INTEGER, changed INTEGER, topic TEXT,
      urgency INTEGER, assignee TEXT, blocked INTEGER, status TEXT, claimant TEXT, lease_until INTEGER, overdue INTEGER NOT NULL DEFAULT 0
    );
    CREATE UNIQUE INDEX tasks_task_id ON tasks_task (pact, id) WHERE waits_for IS NULL;
    CREATE INDEX tasks_task_waits ON tasks_task (pact, waits_for) WHERE waits_for IS NOT NULL;
    CREATE INDEX tasks_task_status ON tasks_task (pact, status, position) WHERE status IS NOT NULL;
    CREATE INDEX tasks_task_topic ON tasks_task (pact, topic, status, position) WHERE status IS NOT NULL;
    CREATE INDEX tasks_task_assignee ON tasks_task (pact, assignee, status, position) WHERE assignee IS NOT NULL;
    CREATE INDEX tasks_task_assignee_topic ON tasks_task (pact, assignee, topic, status, position)
      WHERE assignee IS NOT NULL;
    CREATE INDEX tasks_task_ready ON tasks_task (pact, urgency, position) WHERE status = 'open' AND blocked = 0;
    CREATE INDEX tasks_task_ready_topic ON tasks_task (pact, topic, urgency, position)
      WHERE status = 'open' AND blocked = 0;
    CREATE INDEX tasks_task_ready_assignee ON tasks_task (pact, assignee, urgency, position)
      WHERE status = 'open' AND blocked = 0 AND assignee IS NOT NULL;
    CREATE INDEX tasks_task_lease ON tasks_task (pact, lease_until) WHERE status = 'claimed';
    CREATE INDEX tasks_task_due ON tasks_task (pact, lease_until) WHERE status = 'claimed' AND overdue = 0;`,
  project: projectTask,
})

/** Where the accepted entries about each task stand. */
export const historyTable = table({
  name: 'tasks_history',
  version: 1,
  types,
  create: `
    CREATE TABLE tasks_history (pact INTEGER NOT NULL, task TEXT NOT NULL, position INTEGER NOT NULL);
    CREATE INDEX tasks_history_task ON tasks_history (pact, task, position);`,
  project(record, db, { pactNo, payload }) {
    const task = record.entry?.type === 'task' ? record.id : (payload as { task: string } | undefined)?.task
    if (task === undefined) return
    db.prepare('INSERT INTO tasks_history (pact, task, position) VALUES (?, ?, ?)').run(pactNo, task, record.position)
  },
})
