import { Type } from '../../../kernel/index.ts'
import { operation, Waiting } from '../../operations/operation.ts'
import { LeaseMs, TaskId } from '../entries.ts'
import { leaseOf } from '../leases.ts'
import { TaskState } from '../state.ts'
import { Provisional, writeStep } from '../writing.ts'

export const renewTask = operation({
  name: 'tasks.renew',
  summary: 'Start the lease of a claimed task anew, before it runs out',
  description: Provisional,
  http: 'PUT /tasks/:id/renew',
  access: 'write',
  input: Type.Object({ id: TaskId, lease_ms: Type.Optional(LeaseMs), ...Waiting }),
  output: TaskState,
  errors: ['TASK_UNKNOWN', 'TASK_COMPLETE', 'NOT_CLAIMANT', 'LEASE_TOO_LONG', 'CLOCK_AHEAD', 'TASKS_OFF'],
  cli: { path: 'task renew', args: ['id'] },
  async run({ id, lease_ms, ...waiting }, call) {
    const { lease, timestamp } = await leaseOf(call.pact, lease_ms)
    return writeStep(call, 'task.renew', { task: id, lease_ms: lease }, waiting, timestamp)
  },
})
