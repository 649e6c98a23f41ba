import { Type } from 'typebox'
import { operation, Waiting } from '../../operations/operation.ts'
import { readModel } from '../../read-model/service.ts'
import { LeaseMs, TaskId } from '../entries.ts'
import { leaseOf } from '../leases.ts'
import { answer, rowOf } from '../reading.ts'
import { TaskState } from '../state.ts'

export const renewTask = operation({
  name: 'tasks.renew',
  summary: 'Start the lease of a claimed task anew, before it runs out',
  http: 'PUT /tasks/:id/renew',
  access: 'write',
  input: Type.Object({ id: TaskId, lease_ms: Type.Optional(LeaseMs), ...Waiting }),
  output: TaskState,
  errors: ['TASK_UNKNOWN', 'TASK_COMPLETE', 'NOT_CLAIMANT', 'LEASE_TOO_LONG', 'CLOCK_AHEAD', 'TASKS_OFF'],
  cli: { path: 'task renew', args: ['id'] },
  async run({ id, lease_ms, until = 'applied', timeout }, call) {
    const { topic } = rowOf(call.use(readModel), call.pact, id)
    const { lease, timestamp } = await leaseOf(call.pact, lease_ms)
    const draft = { type: 'task.renew', topic, payload: { task: id, lease_ms: lease }, timestamp }
    const receipt = await call.append(draft, { until, timeout, details: { task: id } })
    return answer(call, id, until, receipt)
  },
})
