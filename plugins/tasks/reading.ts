/** Tasks as states, for the operations. */
import { handleOf, OpenPactError, type Pact, type Receipt, type Until } from '../../kernel/index.ts'
import type { Call } from '../operations/operation.ts'
import { type EntryView, type ReadModel, readModel } from '../read-model/service.ts'
import { taskRow } from './queries.ts'
import { type TaskRow, type TaskState, taskState } from './state.ts'

/** @throws OpenPactError TASK_UNKNOWN */
export function rowOf(model: ReadModel, pact: Pact, id: string): TaskRow {
  const row = taskRow(model, pact, id)
  if (!row) throw new OpenPactError('TASK_UNKNOWN', { task: id })
  return row
}

/** @throws OpenPactError TASK_UNKNOWN */
export async function stateOf(model: ReadModel, pact: Pact, id: string): Promise<TaskState> {
  const [state] = await statesOf(model, pact, [rowOf(model, pact, id)])
  return state as TaskState
}

export async function statesOf(model: ReadModel, pact: Pact, rows: TaskRow[]): Promise<TaskState[]> {
  const [time, names] = await Promise.all([pact.time(), assigneeNames(pact, rows)])
  return rows.map(row => taskState(row, id => entryOf(model, pact, id), time, names))
}

/** An entry that a row points to. Both are written in one transaction, so it is there. */
export function entryOf(model: ReadModel, pact: Pact, id: string): EntryView {
  const entry = model.entry(pact, id)
  if (!entry) throw new OpenPactError('ENTRY_UNKNOWN', { id })
  return entry
}

/** Handles by key. An identity as assignee has none and is shown by its key. */
async function assigneeNames(pact: Pact, rows: TaskRow[]): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (const key of new Set(rows.map(row => row.assignee))) {
    const agent = key === null ? null : await pact.agentByKey(key)
    if (agent) names.set(agent.key, handleOf(agent.name, agent.key))
  }
  return names
}

/**
 * The answer to a write: the task as it stands now. While the confirmation that was asked for is outstanding the answer is marked
 * pending, which makes it 202 over HTTP: it may still turn out otherwise.
 * @param receipt of the entry that was written; without one, the answer is as sure as the state is
 */
export async function answer(call: Call, id: string, until: Until, receipt?: Receipt): Promise<TaskState> {
  const model = call.use(readModel)
  await model.sync(call.pact)
  const state = await stateOf(model, call.pact, id)
  if (until === 'applied' || (receipt ?? state).confirmed) return state
  call.pending()
  return { ...state, pending: true }
}
