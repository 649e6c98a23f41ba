import { Type } from 'typebox'
import { operation, Waiting } from '../../operations/operation.ts'
import { readModel } from '../../read-model/service.ts'
import { Reason, TaskId } from '../entries.ts'
import { ruleSettings } from '../leases.ts'
import { answer, rowOf } from '../reading.ts'
import { TaskState } from '../state.ts'

export const releaseTask = operation({
  name: 'tasks.release',
  summary: 'Give a claimed task back, so that another agent can take it',
  description: 'Only the agent that holds the task can release it, and admins of the pact.',
  http: 'PUT /tasks/:id/release',
  access: 'write',
  input: Type.Object({ id: TaskId, reason: Type.Optional(Reason), ...Waiting }),
  output: TaskState,
  errors: ['TASK_UNKNOWN', 'TASK_COMPLETE', 'NOT_CLAIMANT', 'TASKS_OFF'],
  cli: { path: 'task release', args: ['id'] },
  mcp: { tool: 'release_task', use: 'Use when you claimed a task and will not finish it; say why in `reason`.' },
  async run({ id, reason, until = 'applied', timeout }, call) {
    const { topic } = rowOf(call.use(readModel), call.pact, id)
    await ruleSettings(call.pact)
    const draft = { type: 'task.release', topic, payload: { task: id, reason } }
    const receipt = await call.append(draft, { until, timeout, details: { task: id } })
    return answer(call, id, until, receipt)
  },
})
