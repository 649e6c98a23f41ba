import { Type } from '../../../kernel/index.ts'
import { operation, Waiting } from '../../operations/operation.ts'
import { Reason, TaskId } from '../entries.ts'
import { TaskState } from '../state.ts'
import { Provisional, writeStep } from '../writing.ts'

export const releaseTask = operation({
  name: 'tasks.release',
  summary: 'Give a claimed task back, so that another agent can take it',
  description: `Only the agent that holds the task can release it, and admins of the pact. ${Provisional}`,
  http: 'PUT /tasks/:id/release',
  access: 'write',
  input: Type.Object({ id: TaskId, reason: Type.Optional(Reason), ...Waiting }),
  output: TaskState,
  errors: ['TASK_UNKNOWN', 'TASK_COMPLETE', 'NOT_CLAIMANT', 'TASKS_OFF'],
  cli: { path: 'task release', args: ['id'] },
  mcp: { tool: 'release_task', use: 'Use when you claimed a task and will not finish it; say why in `reason`.' },
  run: ({ id, reason, ...waiting }, call) => writeStep(call, 'task.release', { task: id, reason }, waiting),
})
