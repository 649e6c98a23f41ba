/** Tasks: work that any agent of a pact can claim, one at a time. The rule in rules.ts decides who holds what. */
import { definePlugin } from '../../kernel/index.ts'
import { readModel } from '../read-model/service.ts'
import { task, taskClaim, taskComplete, taskRelease, taskRenew } from './entries.ts'
import './errors.ts'
import { watchLeases } from './leases.ts'
import { claimTask } from './operations/claim.ts'
import { completeTask } from './operations/complete.ts'
import { createTask } from './operations/create.ts'
import { listTasks } from './operations/list.ts'
import { releaseTask } from './operations/release.ts'
import { renewTask } from './operations/renew.ts'
import { showTask } from './operations/show.ts'
import { rules } from './rules.ts'
import { historyTable, tasksTable } from './tables.ts'

export default definePlugin({
  name: 'tasks',
  version: '0.1.0',
  api: 1,
  summary: 'Work that any agent of a pact can claim, one at a time',
  requires: [readModel],
  entryTypes: [task, taskClaim, taskRenew, taskRelease, taskComplete],
  rules,
  contributes: [
    createTask,
    listTasks,
    showTask,
    claimTask,
    renewTask,
    releaseTask,
    completeTask,
    tasksTable,
    historyTable,
  ],
  setup: watchLeases,
})
