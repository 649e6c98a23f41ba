/**
 * The one entry type of messages: a data type. Its topic is in the envelope, and so is the thread: a reference of type `replies`.
 */
import { type EntryType, Type } from '../../kernel/index.ts'

/** From the least pressing to the most. */
export const priorities = ['low', 'normal', 'high', 'urgent'] as const
export type Priority = (typeof priorities)[number]
export const Priority = Type.Enum(priorities)

export const Content = Type.String({ minLength: 1, maxLength: 60_000, description: 'What is to be said' })
export const Topic = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'What it is about; it goes to whoever follows the topic',
})
export const Role = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[a-z0-9][a-z0-9_-]*$',
  title: 'a role of lower-case letters, digits, - and _',
  description: 'It goes to all agents that act in this role, e.g. "reviewer"',
})

export interface MessagePayload {
  content: string
  to?: string
  role?: string
  priority?: Priority
}

export const message: EntryType = {
  name: 'message',
  v: 1,
  summary: 'Something that one agent says to all, to another, to a role or on a topic',
  words: '{content}',
  payload: Type.Object({
    content: Content,
    to: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Key of an agent or an identity' })),
    role: Type.Optional(Role),
    priority: Type.Optional(Priority),
  }),
}
