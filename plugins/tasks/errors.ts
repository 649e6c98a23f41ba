/** Codes of tasks. The first group are the verdicts of the rule, under their names. */
import { defineErrors } from '../../kernel/index.ts'

export const taskErrors = defineErrors({
  TASK_INVALID: {
    kind: 'invalid',
    message: 'The pact refused the entry: its payload is not that of a "{type}".',
    help: 'This machine may run another version of OpenPact than the pact expects; update it.',
  },
  TASK_UNKNOWN: {
    kind: 'missing',
    message: 'No task {task} is known in this pact.',
    help: '`openpact task list` shows the tasks; it may not have reached this machine yet.',
  },
  TASK_NOT_OPEN: {
    kind: 'conflict',
    message: 'The task {task} is claimed by {claimed_by}.',
    help: 'Take another one: `openpact task list --ready` shows what can be claimed.',
  },
  TASK_COMPLETE: {
    kind: 'conflict',
    message: 'The task {task} is complete, and that is final.',
    help: 'Record a new task if there is more to do.',
  },
  TASK_BLOCKED: {
    kind: 'conflict',
    message: 'The task {task} waits for others that are not complete.',
    help: 'Complete what it depends on first: `openpact task show {task}` lists it.',
  },
  NOT_ASSIGNEE: {
    kind: 'forbidden',
    message: 'The task {task} is assigned to another agent.',
    help: 'Take another one: `openpact task list --ready` shows what can be claimed.',
  },
  NOT_CLAIMANT: {
    kind: 'conflict',
    message: 'The task {task} is not claimed by this agent.',
    help: 'Claim it first. If the lease ran out, another agent may have taken it over.',
  },
  DEPENDENCY_UNKNOWN: {
    kind: 'unprocessable',
    message: 'The task depends on an entry that is no task of this pact.',
    help: 'Name ids of tasks from `openpact task list`.',
  },
  LEASE_TOO_LONG: {
    kind: 'invalid',
    message: 'The pact allows no lease as long as this one.',
    help: 'Ask for a shorter lease and renew it; `openpact charter` shows the longest (max_lease_ms).',
  },
  CLOCK_AHEAD: {
    kind: 'conflict',
    message: 'This machine’s clock is more than 30 days ahead of the time of the pact.',
    help: 'After a long quiet time, try again in a moment: an indexer brings the time of the pact forward. Otherwise set the clock.',
  },
  // Beside the verdicts:
  TASKS_OFF: {
    kind: 'conflict',
    message: 'The pact "{pact}" does not use tasks: nobody would decide who may claim one.',
    help: 'An admin turns them on with `openpact charter enable tasks`.',
  },
})
