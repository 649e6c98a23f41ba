/** Knowledge as the API shows it and takes it. */
import { type Static, Type } from '../../kernel/index.ts'
import { Unsettled } from '../operations/unsettled.ts'
import type { EntryView } from '../read-model/service.ts'
import { EntryShape, RefShape } from '../read-model/wire.ts'

/** A reference on input: a bare id means `related`. */
export const RefInput = Type.Union([Type.String({ description: 'Id of an entry that is related' }), RefShape])

export const KnowledgeEntry = Type.Object({
  ...EntryShape.properties,
  payload: Type.Unknown({ description: 'topic, content, source, confidence; as it was written when `unreadable`' }),
  ...Unsettled,
})
export type KnowledgeEntry = Static<typeof KnowledgeEntry>

/** The entry with its topic inside the payload too, where clients of v0.1.4 look for it. */
export function knowledgeEntry(entry: EntryView): KnowledgeEntry {
  const { payload } = entry
  const isObject = typeof payload === 'object' && payload !== null && !Array.isArray(payload)
  return isObject ? { ...entry, payload: { topic: entry.topic, ...payload } } : entry
}
