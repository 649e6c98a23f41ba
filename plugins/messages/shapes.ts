/** Messages as the API shows them: entries, with what a reader wants to know beside the payload. */
import { handleOf, type Pact, type Static, Type } from '../../kernel/index.ts'
import { Unsettled } from '../operations/unsettled.ts'
import type { EntryView, ReadModel } from '../read-model/service.ts'
import { EntryShape } from '../read-model/wire.ts'
import { Priority, priorities } from './entries.ts'
import type { MessageRow } from './queries.ts'

const OrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description })

export const MessageEntry = Type.Object({
  ...EntryShape.properties,
  payload: Type.Unknown({ description: 'content, topic, to, role, priority; as it was written when `unreadable`' }),
  to: OrNull('Handle of the agent, or key of the identity, that it is for'),
  role: OrNull('Role that it is for'),
  priority: Priority,
  thread: Type.String({ description: 'Id of the message that the thread began with' }),
  ...Unsettled,
})
export type MessageEntry = Static<typeof MessageEntry>

/**
 * Messages by their rows. A row whose entry was moved by a reorder meanwhile is left out by its absence in the answer.
 * @param read the rows, called again after every wait so that rows and entries are of one state of the index
 */
export async function messagesOf(model: ReadModel, pact: Pact, read: () => MessageRow[]): Promise<MessageEntry[]> {
  const names = new Map<string, string>()
  for (;;) {
    const rows = read()
    const keys = rows.flatMap(({ audience }) => (audience.startsWith('k:') ? [audience.slice(2)] : []))
    const unnamed = keys.filter(key => !names.has(key))
    if (unnamed.length > 0) {
      for (const key of new Set(unnamed)) names.set(key, await nameOf(pact, key))
      continue
    }
    const entries = model.entriesAt(
      pact,
      rows.map(({ position }) => position),
    )
    return rows.flatMap(row => {
      const entry = entries.get(row.position)
      return entry ? [messageEntry(entry, row, names)] : []
    })
  }
}

function messageEntry(entry: EntryView, row: MessageRow, names: Map<string, string>): MessageEntry {
  const key = row.audience.slice(2)
  const { payload } = entry
  const isObject = typeof payload === 'object' && payload !== null && !Array.isArray(payload)
  return {
    ...entry,
    // With its topic inside the payload too, where clients of v0.1.4 look for it.
    payload: isObject && entry.topic ? { topic: entry.topic, ...payload } : payload,
    to: row.audience.startsWith('k:') ? (names.get(key) ?? key) : null,
    role: row.audience.startsWith('r:') ? key : null,
    priority: priorities[priorities.length - 1 - row.urgency] ?? 'normal',
    thread: row.thread,
  }
}

/** The handle of an agent. An identity has none and is shown by its key. */
async function nameOf(pact: Pact, key: string): Promise<string> {
  const agent = await pact.agentByKey(key)
  return agent ? handleOf(agent.name, key) : key
}
