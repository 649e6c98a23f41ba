/** Writing about a task, and answering with how it stands afterwards. */
import { OpenPactError, type Receipt, type Until } from '../../kernel/index.ts'
import type { Call } from '../operations/operation.ts'
import { unsettled } from '../operations/unsettled.ts'
import { readModel } from '../read-model/service.ts'
import { ruleSettings } from './leases.ts'
import { taskRow } from './queries.ts'
import { entryOf, rowOf, statesOf } from './reading.ts'
import type { TaskRow, TaskState } from './state.ts'

/** The inputs `Waiting`. */
export interface Waiting {
  until?: Until
  timeout?: number
}

/** Said by the steps that do not wait unless they are told to. */
export const Provisional =
  "Answers at once; `provisional` says that the task may still turn out to be another agent's. `until: confirmed` waits up to `timeout`."

/**
 * Writes an entry about an existing task, under the topic of the task, and answers as far as `until` asks for.
 * @param timestamp ms; the clock's if absent
 * @throws OpenPactError TASK_UNKNOWN, TASKS_OFF, and the codes of the rule's verdicts
 */
export async function writeStep(
  call: Call,
  type: string,
  payload: { task: string; [field: string]: unknown },
  { until = 'applied', timeout }: Waiting,
  timestamp?: number,
): Promise<TaskState> {
  const { task } = payload
  const { topic } = rowOf(call.use(readModel), call.pact, task)
  await ruleSettings(call.pact)
  const receipt = await call.append({ type, topic, payload, timestamp }, { until, timeout, details: { task } })
  return answer(call, task, until, receipt)
}

/**
 * The answer to a write: the task as it stands now. While the confirmation that was asked for is outstanding the answer is marked
 * pending, which makes it 202 over HTTP: it may still turn out otherwise.
 * @param receipt of the entry that the answer is about; without one, the answer is as sure as the state is
 * @param fresh stands in for the row of a new task on a machine that is still indexing older history
 */
export async function answer(
  call: Call,
  id: string,
  until: Until,
  receipt: Receipt | null,
  fresh?: () => TaskRow,
): Promise<TaskState> {
  const { pact } = call
  const model = call.use(readModel)
  await model.sync(pact)
  const read = () => [(fresh && taskRow(model, pact, id)) ?? fresh?.() ?? rowOf(model, pact, id)]
  const [state] = (await statesOf(model, pact, read)) as [TaskState]
  if (until === 'applied' || (receipt ?? state).confirmed) return state
  return { ...state, ...(await unsettled(call)) }
}

/** The answer to who brought the task into its state already: as sure as it asks for, so that asking again waits for the first time. */
export async function standing(call: Call, { id, changed }: TaskRow, { until = 'applied', timeout }: Waiting) {
  const entry = entryOf(call.use(readModel), call.pact, changed)
  if (until === 'confirmed') await call.confirmation(entry.id, timeout)
  return answer(call, id, until, call.pact.receipt(entry.id))
}

/** Hex key of the caller's agent. */
export function agentKey(call: Call): string {
  const agent = call.kernel.identity.agent(call.caller.agent)
  if (!agent)
    throw new OpenPactError('INVALID_INPUT', { reason: `no agent called "${call.caller.agent}" is on this machine` })
  return agent.key.toString('hex')
}
