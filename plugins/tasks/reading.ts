/** Tasks as states, out of the read model. */
import { handleOf, OpenPactError, type Pact } from '../../kernel/index.ts'
import type { EntryView, ReadModel } from '../read-model/service.ts'
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
 * Ledger time is asked for only where a lease is looked at: it is most of the cost of a list.
 * @param read gets ledger time, ms; 0 where `timed` is false
 */
export async function statesOf(
  model: ReadModel,
  pact: Pact,
  read: (time: number) => TaskRow[],
  timed = true,
): Promise<TaskState[]> {
  let time = timed ? await pact.time() : null
  const names = new Map<string, string>()
  for (;;) {
    const rows = read(time ?? 0)
    if (time === null && rows.some(row => row.lease_until !== null)) {
      time = await pact.time()
      continue
    }
    const unnamed = rows.map(row => row.assignee).filter(key => key !== null && !names.has(key))
    if (unnamed.length === 0) {
      const entries = model.entriesAt(
        pact,
        rows.flatMap(({ position, changed }) => [position, changed]),
      )
      const read = (at: number) => entries.get(at) ?? entryOf(model, pact, at)
      return rows.map(row => taskState(row, read, time ?? 0, names))
    }
    for (const key of new Set(unnamed as string[])) names.set(key, await nameOf(pact, key))
  }
}

/** The handle of an assignee. An identity has none and is shown by its key. */
async function nameOf(pact: Pact, key: string): Promise<string> {
  const agent = await pact.agentByKey(key)
  return agent ? handleOf(agent.name, key) : key
}

/** An entry that a row points to. Both are written in one transaction, so it is there. */
export function entryOf(model: ReadModel, pact: Pact, position: number): EntryView {
  const entry = model.entryAt(pact, position)
  if (!entry) throw new OpenPactError('ENTRY_UNKNOWN', { id: `at position ${position}` })
  return entry
}
