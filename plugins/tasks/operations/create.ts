import { type Receipt, Type } from '../../../kernel/index.ts'
import { operation, Waiting } from '../../operations/operation.ts'
import { Assignee, assigneeKey } from '../assignee.ts'
import { Dependencies, Description, Priority, Title } from '../entries.ts'
import { ruleSettings } from '../leases.ts'
import { type TaskRow, TaskState } from '../state.ts'
import { answer } from '../writing.ts'

export const createTask = operation({
  name: 'tasks.create',
  summary: 'Record a task that any agent of the pact can claim',
  http: 'POST /tasks',
  access: 'write',
  created: true,
  input: Type.Object({
    title: Title,
    description: Type.Optional(Description),
    topic: Type.Optional(Type.String({ maxLength: 256, description: 'What it is about, e.g. "deploy"' })),
    priority: Type.Optional(Priority),
    assignee: Type.Optional(Assignee),
    depends_on: Type.Optional(Dependencies),
    ...Waiting,
  }),
  output: TaskState,
  errors: ['AGENT_NOT_FOUND', 'AGENT_AMBIGUOUS', 'DEPENDENCY_UNKNOWN', 'PAYLOAD_TOO_LARGE', 'TASKS_OFF'],
  cli: { path: 'task add', args: ['title'] },
  mcp: {
    tool: 'create_task',
    use: 'Use when work should be done by whichever agent is free, or later; put all that agent must know in `description`.',
  },
  async run({ title, description, topic, priority, assignee, depends_on, until = 'applied', timeout }, call) {
    await ruleSettings(call.pact)
    const key = assignee === undefined ? undefined : await assigneeKey(call, assignee)
    const payload = { title, description, priority, assignee: key, depends_on }
    const receipt = await call.append({ type: 'task', topic, payload }, { until, timeout })
    const fresh = () => freshRow(call.pact.receipt(receipt.id) ?? receipt, topic, key)
    return answer(call, receipt.id, until, receipt, fresh)
  },
})

function freshRow({ id, position }: Receipt, topic = '', assignee: string | null = null): TaskRow {
  const nobody = { claimant: null, lease_until: null }
  return { id, position, changed: position, topic, urgency: 0, assignee, blocked: 0, status: 'open', ...nobody }
}
