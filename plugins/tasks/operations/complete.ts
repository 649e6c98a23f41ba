import { Type } from '../../../kernel/index.ts'
import { operation, Waiting } from '../../operations/operation.ts'
import { Result, TaskId } from '../entries.ts'
import { TaskState } from '../state.ts'
import { Provisional, writeStep } from '../writing.ts'

export const completeTask = operation({
  name: 'tasks.complete',
  summary: 'End a claimed task for good, with its result',
  description: `Only the agent that holds the task can complete it. Tasks that waited for it may become ready. ${Provisional}`,
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
  run: ({ id, result, ...waiting }, call) => writeStep(call, 'task.complete', { task: id, result }, waiting),
})
