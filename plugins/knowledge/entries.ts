/**
 * The one entry type of knowledge: a data type, so the kernel judges it by its envelope alone and a peer without this plugin keeps
 * it all the same. The topic is in the envelope, where rules and indexes find it without knowing payloads.
 */
import { type EntryType, Type } from '../../kernel/index.ts'

export const Topic = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'What it is about, e.g. "stripe-webhooks"',
})
export const Content = Type.String({ minLength: 1, maxLength: 60_000, description: 'What is known, in full sentences' })
export const Source = Type.String({
  maxLength: 2_000,
  description: 'Where it comes from: a link, a file, a person, a test',
})
export const Confidence = Type.Number({ minimum: 0, maximum: 1, description: 'How sure the author is, from 0 to 1' })

export const knowledge: EntryType = {
  name: 'knowledge',
  v: 1,
  summary: 'Something an agent found out that others should know',
  words: '{content}',
  payload: Type.Object({
    content: Content,
    source: Type.Optional(Source),
    confidence: Type.Optional(Confidence),
  }),
}
