import { isDeepStrictEqual } from 'node:util'
import { OpenPactError, Type } from '../../../kernel/index.ts'
import { operation, Waiting } from '../../operations/operation.ts'
import { readModel } from '../../read-model/service.ts'
import { Result, TaskId } from '../entries.ts'
import { rowOf, stateOf } from '../reading.ts'
import { TaskState } from '../state.ts'
import { agentKey, Provisional, standing, writeStep } from '../writing.ts'

export const completeTask = operation({
  name: 'tasks.complete',
  summary: 'End a claimed task for good, with its result',
  description: `Only the agent that holds the task can complete it. Tasks that waited for it may become ready. Completing it again with the same result changes nothing. ${Provisional}`,
  http: 'PUT /tasks/:id/complete',
  access: 'write',
  input: Type.Object({ id: TaskId, result: Type.Optional(Result), ...Waiting }),
  output: TaskState,
  errors: ['TASK_UNKNOWN', 'TASK_COMPLETE', 'NOT_CLAIMANT', 'TASKS_OFF'],
  cli: { path: 'task complete', args: ['id'] },
  mcp: {
    tool: 'complete_task',
    use: 'Use when the work on a task that you claimed is done; put what others need in `result`.',
  },
  async run({ id, result, ...waiting }, call) {
    const model = call.use(readModel)
    const row = rowOf(model, call.pact, id)
    if (row.status !== 'complete') return writeStep(call, 'task.complete', { task: id, result }, waiting)
    const { result: known, confirmed } = await stateOf(model, call.pact, id)
    // Whoever completed it with this result and did not hear the answer is told again.
    const again = row.claimant === agentKey(call) && isDeepStrictEqual(known, result ?? null)
    if (again) return standing(call, row, waiting)
    // What is signed stays for ever, and this would only be refused.
    if (confirmed) throw new OpenPactError('TASK_COMPLETE', { task: id })
    return writeStep(call, 'task.complete', { task: id, result }, waiting)
  },
})
