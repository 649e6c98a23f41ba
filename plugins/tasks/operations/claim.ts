/** Claiming: the operation whose success must be true. By default it waits until no reorder can give the task to another. */
import { isOpenPactError, OpenPactError, Type } from '../../../kernel/index.ts'
import { type Call, operation, Waiting } from '../../operations/operation.ts'
import { readModel } from '../../read-model/service.ts'
import { LeaseMs, TaskId } from '../entries.ts'
import { leaseOf } from '../leases.ts'
import { rowOf, stateOf } from '../reading.ts'
import { leaseOver, type TaskRow, TaskState } from '../state.ts'
import { agentKey, standing, writeStep } from '../writing.ts'

export const claimTask = operation({
  name: 'tasks.claim',
  summary: 'Claim a task so that no other agent works on it',
  description:
    'Answers 200 only when the claim is settled: by default when it is confirmed. When that takes longer than `timeout` the answer ' +
    'is 202 and `pending`, with what it is `waiting` for: claim again to wait on. With `until: applied` the answer comes at once and is `provisional` ' +
    'as long as another agent may still turn out to have been first. Claiming a task that you hold changes nothing.',
  http: 'PUT /tasks/:id/claim',
  access: 'write',
  input: Type.Object({ id: TaskId, lease_ms: Type.Optional(LeaseMs), ...Waiting }),
  output: TaskState,
  errors: [
    'TASK_UNKNOWN',
    'TASK_NOT_OPEN',
    'TASK_COMPLETE',
    'TASK_BLOCKED',
    'NOT_ASSIGNEE',
    'LEASE_TOO_LONG',
    'CLOCK_AHEAD',
    'TASKS_OFF',
  ],
  cli: {
    path: 'task claim',
    description:
      'Succeeds only when the claim is settled: by default when it is confirmed. When that takes longer than `timeout` it is pending, and ' +
      'the exit code is 8: claim again to wait on. With `until: applied` the answer comes at once and is provisional as long as another ' +
      'agent may still turn out to have been first. Claiming a task that you hold changes nothing.',
    args: ['id'],
  },
  mcp: {
    tool: 'claim_task',
    use: 'Use when you are about to start on a task, before any work: go on only if it answers status "claimed" without "pending".',
    idempotent: true,
  },
  async run({ id, lease_ms, until = 'confirmed', timeout }, call) {
    const me = agentKey(call)
    const time = await call.pact.time()
    const row = rowOf(call.use(readModel), call.pact, id)
    if (holds(row, me, time)) return won(call, id, await standing(call, row, { until, timeout }))
    const refusal = foreseen(row, [me, call.kernel.identity.key.toString('hex')], time)
    if (refusal) throw await lost(refusal, call, id)

    const { lease, timestamp } = await leaseOf(call.pact, lease_ms)
    const payload = { task: id, lease_ms: lease }
    try {
      return await won(call, id, await writeStep(call, 'task.claim', payload, { until, timeout }, timestamp))
    } catch (error) {
      if (!isOpenPactError(error) || error.code !== 'TASK_NOT_OPEN') throw error
      // Two calls of one agent at the same time: the task is its own by whichever came first.
      const now = rowOf(call.use(readModel), call.pact, id)
      if (holds(now, me, time)) return won(call, id, await standing(call, now, { until, timeout }))
      throw await lost(error.code, call, id)
    }
  },
})

/** The answer to the winner, unless a reorder made it the loser meanwhile. */
async function won(call: Call, id: string, state: TaskState): Promise<TaskState> {
  const { status, claimant } = rowOf(call.use(readModel), call.pact, id)
  if (status === 'open' || claimant !== agentKey(call)) throw await lost('TASK_NOT_OPEN', call, id)
  return state
}

/** The loser learns who holds the task. */
async function lost(code: string, call: Call, id: string): Promise<OpenPactError> {
  const { claimed_by } = await stateOf(call.use(readModel), call.pact, id)
  return new OpenPactError(code, { task: id, claimed_by: claimed_by ?? 'nobody' })
}

/** Whether the task is claimed by this agent, under a lease that still runs. */
function holds(row: TaskRow, agent: string, time: number): boolean {
  return row.status === 'claimed' && row.claimant === agent && !leaseOver(row, time)
}

/** What the rule would answer to a claim as things stand here, so that a hopeless one is not written down for ever. */
function foreseen(row: TaskRow, me: string[], time: number): string | null {
  if (row.status === 'complete') return 'TASK_COMPLETE'
  if (row.assignee && !me.includes(row.assignee)) return 'NOT_ASSIGNEE'
  if (row.status === 'claimed' && !leaseOver(row, time)) return 'TASK_NOT_OPEN'
  return row.blocked > 0 ? 'TASK_BLOCKED' : null
}
