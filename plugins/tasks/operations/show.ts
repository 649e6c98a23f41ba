import { Type } from '../../../kernel/index.ts'
import { operation } from '../../operations/operation.ts'
import { readModel } from '../../read-model/service.ts'
import { TaskId } from '../entries.ts'
import { historyOf } from '../queries.ts'
import { entryOf, stateOf } from '../reading.ts'
import { historyEvent, TaskState } from '../state.ts'

export const showTask = operation({
  name: 'tasks.show',
  summary: 'Show a task with its history',
  description: 'The history has what was accepted. Refused attempts are under /entries with `verdict=refused`.',
  http: 'GET /tasks/:id',
  access: 'read',
  input: Type.Object({ id: TaskId }),
  output: TaskState,
  errors: ['TASK_UNKNOWN'],
  cli: {
    path: 'task show',
    description: 'The history has what was accepted. Refused attempts: `openpact entries --verdict refused`.',
    args: ['id'],
  },
  mcp: {
    tool: 'show_task',
    use: 'Use when you need all of one task: its description, who holds it, and what happened to it.',
  },
  async run({ id }, call) {
    const model = call.use(readModel)
    const state = await stateOf(model, call.pact, id)
    const history = historyOf(model, call.pact, id).map(at => historyEvent(entryOf(model, call.pact, at)))
    return { ...state, history }
  },
})
