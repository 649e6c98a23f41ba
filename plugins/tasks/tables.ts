/**
 * The read model of tasks. It keeps what lists filter and sort by; titles, authors and results stay with their entries.
 * Only accepted entries reach it, in log order, so it repeats what the rule decided and decides nothing itself.
 */
import { table } from '../read-model/table.ts'
import type { TaskPayload } from './payloads.ts'
import { projectTask } from './projection.ts'

/** Types that touch a task: every one of them brings it into a new state. */
const types = ['task', 'task.claim', 'task.renew', 'task.release', 'task.complete']

/**
 * The state that each task is in. `position` is where the task was recorded, `last` the entry that brought it into this state.
 * `urgency` counts down from the most urgent (0), so that the ready list is one ascending walk; `blocked` is the number of its
 * dependencies that are not complete.
 */
export const tasksTable = table({
  name: 'tasks_task',
  version: 1,
  types,
  create: `
    CREATE TABLE tasks_task (
      pact INTEGER NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, last TEXT NOT NULL,
      topic TEXT NOT NULL, urgency INTEGER NOT NULL, assignee TEXT, blocked INTEGER NOT NULL,
      status TEXT NOT NULL, claimant TEXT, lease_until INTEGER
    );
    CREATE UNIQUE INDEX tasks_task_id ON tasks_task (pact, id);
    CREATE INDEX tasks_task_all ON tasks_task (pact, status, position);
    CREATE INDEX tasks_task_topic ON tasks_task (pact, topic, status, position);
    CREATE INDEX tasks_task_assignee ON tasks_task (pact, assignee, status, position) WHERE assignee IS NOT NULL;
    CREATE INDEX tasks_task_assignee_topic ON tasks_task (pact, assignee, topic, status, position)
      WHERE assignee IS NOT NULL;
    CREATE INDEX tasks_task_ready ON tasks_task (pact, urgency, position) WHERE status = 'open' AND blocked = 0;
    CREATE INDEX tasks_task_ready_topic ON tasks_task (pact, topic, urgency, position)
      WHERE status = 'open' AND blocked = 0;
    CREATE INDEX tasks_task_ready_assignee ON tasks_task (pact, assignee, urgency, position)
      WHERE status = 'open' AND blocked = 0 AND assignee IS NOT NULL;
    CREATE INDEX tasks_task_lease ON tasks_task (pact, lease_until) WHERE status = 'claimed';`,
  project: projectTask,
})

/**
 * Which task waits for which. Rows are only ever added, with the task that waits: so `tasks_task` may look up who waits for a
 * completed task here, even while one of the two tables is rebuilt without the other.
 */
export const dependenciesTable = table({
  name: 'tasks_dep',
  version: 1,
  types: ['task'],
  create: `
    CREATE TABLE tasks_dep (pact INTEGER NOT NULL, needs TEXT NOT NULL, task TEXT NOT NULL);
    CREATE INDEX tasks_dep_needs ON tasks_dep (pact, needs);`,
  project(record, db, { pactNo, payload }) {
    const insert = db.prepare('INSERT INTO tasks_dep (pact, needs, task) VALUES (?, ?, ?)')
    for (const needs of (payload as TaskPayload | undefined)?.depends_on ?? []) insert.run(pactNo, needs, record.id)
  },
})

/** Every accepted entry about a task, in order. */
export const historyTable = table({
  name: 'tasks_history',
  version: 1,
  types,
  create: `
    CREATE TABLE tasks_history (pact INTEGER NOT NULL, task TEXT NOT NULL, position INTEGER NOT NULL, entry TEXT NOT NULL);
    CREATE INDEX tasks_history_task ON tasks_history (pact, task, position);`,
  project(record, db, { pactNo, payload }) {
    const task = record.entry?.type === 'task' ? record.id : (payload as { task: string } | undefined)?.task
    if (!task) return
    db.prepare('INSERT INTO tasks_history (pact, task, position, entry) VALUES (?, ?, ?, ?)').run(
      pactNo,
      task,
      record.position,
      record.id,
    )
  },
})
