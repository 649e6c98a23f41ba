/** Knowledge as the API shows it. */
import { type Static, Type } from 'typebox'
import type { EntryView } from '../read-model/service.ts'

const Ref = Type.Object({
  pact: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', title: 'the id of another pact' })),
  id: Type.String({ pattern: '^[0-9a-f]{8}-[1-9][0-9]{0,14}$', title: 'the id of an entry' }),
  type: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'supersedes, supports, contradicts, related, applied, replies …',
  }),
})

/** A reference on input: a bare id means `related`. */
export const RefInput = Type.Union([Ref.properties.id, Ref])

export const KnowledgeEntry = Type.Object({
  id: Type.String(),
  type: Type.String(),
  v: Type.Integer(),
  topic: Type.String(),
  payload: Type.Unknown({ description: 'topic, content, source, confidence; as it was written when `unreadable`' }),
  refs: Type.Array(Ref),
  author: Type.String({ description: 'Handle of the agent' }),
  agent: Type.String({ description: 'Key of the agent, hex' }),
  identity: Type.Union([Type.String(), Type.Null()]),
  timestamp: Type.String({ description: 'ISO 8601, by the clock of the author' }),
  from_future: Type.Optional(Type.Literal(true)),
  position: Type.Integer(),
  verdict: Type.String(),
  confirmed: Type.Boolean({ description: 'Whether the entry can no longer move or be refused by a reorder' }),
  unreadable: Type.Optional(Type.String()),
  caused_by: Type.Optional(Type.String()),
  hops: Type.Optional(Type.Integer()),
  origin: Type.Optional(Type.String()),
  pending: Type.Optional(Type.Literal(true, { description: 'The answer came before the confirmation it waited for' })),
})
export type KnowledgeEntry = Static<typeof KnowledgeEntry>

export const Page = <const T extends Type.TSchema>(item: T) =>
  Type.Object({ entries: Type.Array(item), cursor: Type.Union([Type.String(), Type.Null()]), has_more: Type.Boolean() })

/** The entry with its topic inside the payload too, where clients of v0.1.4 look for it. */
export function knowledgeEntry(entry: EntryView): KnowledgeEntry {
  const { payload } = entry
  const isObject = typeof payload === 'object' && payload !== null && !Array.isArray(payload)
  return isObject ? { ...entry, payload: { topic: entry.topic, ...payload } } : entry
}
