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
  const [state] = await statesOf(model, pact, () => [rowOf(model, pact, id)])
  return state as TaskState
}

/**
 * Tasks as they stand at one moment: `read` is called again after every wait, so that rows and entries come from the same state
 * of the index even when a reorder falls in between.
 * @param read gets ledger time, ms
 */
export async function statesOf(model: ReadModel, pact: Pact, read: (time: number) => TaskRow[]): Promise<TaskState[]> {
  const time = await pact.time()
  const names = new Map<string, string>()
  for (;;) {
    const rows = read(time)
    const unnamed = rows.map(row => row.assignee).filter(key => key !== null && !names.has(key))
    if (unnamed.length === 0) return rows.map(row => taskState(row, id => entryOf(model, pact, id), time, names))
    for (const key of new Set(unnamed as string[])) names.set(key, await nameOf(pact, key))
  }
}

/** The handle of an assignee. An identity has none and is shown by its key. */
async function nameOf(pact: Pact, key: string): Promise<string> {
  const agent = await pact.agentByKey(key)
  return agent ? handleOf(agent.name, key) : key
}

/** An entry that a row points to. Both are written in one transaction, so it is there. */
export function entryOf(model: ReadModel, pact: Pact, id: string): EntryView {
  const entry = model.entry(pact, id)
  if (!entry) throw new OpenPactError('ENTRY_UNKNOWN', { id })
  return entry
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
  fresh?: TaskRow,
): Promise<TaskState> {
  const { pact } = call
  const model = call.use(readModel)
  await model.sync(pact)
  const read = () => [(fresh && taskRow(model, pact, id)) ?? fresh ?? rowOf(model, pact, id)]
  const [state] = (await statesOf(model, pact, read)) as [TaskState]
  if (until === 'applied' || (receipt ?? state).confirmed) return state
  call.pending()
  return { ...state, pending: true }
}
