/** The one object that says which events are wanted: the same for streams, `/changes`, webhooks and triggers. */
import { type Static, type TSchema, Type } from '../../kernel/index.ts'

/** One value, or a list of which any one will do. */
function anyOf<const Item extends TSchema>(item: Item, description: string) {
  return Type.Union([item, Type.Array(item, { minItems: 1, maxItems: 64, uniqueItems: true })], { description })
}

const Word = Type.String({ minLength: 1, maxLength: 256 })
const Scalar = Type.Union([Type.String({ maxLength: 4096 }), Type.Number(), Type.Boolean(), Type.Null()])

/** What a field of the payload must be. All that is given must hold; a list in the payload fits when one of its items does. */
export const Condition = Type.Union([
  Scalar,
  Type.Array(Scalar, { minItems: 1, maxItems: 64, description: 'Any of these' }),
  Type.Object(
    {
      gt: Type.Optional(Type.Number()),
      gte: Type.Optional(Type.Number()),
      lt: Type.Optional(Type.Number()),
      lte: Type.Optional(Type.Number()),
      not: Type.Optional(Scalar),
      glob: Type.Optional(Word),
      exists: Type.Optional(Type.Boolean()),
    },
    { minProperties: 1, additionalProperties: false, title: 'an object of gt, gte, lt, lte, not, glob, exists' },
  ),
])

/** The fields of a match; every one narrows it. An empty match wants everything that was accepted. */
export const matchFields = {
  type: Type.Optional(
    anyOf(Word, 'Type of the entry, or kind of the event; with status, what the status is of (task)'),
  ),
  status: Type.Optional(
    anyOf(Word, 'What became of a subject: open, ready, claimed, released or complete, of a task; plugins have others'),
  ),
  topic: Type.Optional(anyOf(Word, 'Topic; * stands for anything but "/", ** for anything, ? for one character')),
  agent: Type.Optional(anyOf(Word, 'Who did it: handle or key of an agent, or "me" for the agents of this machine')),
  owner: Type.Optional(anyOf(Word, 'Whose agent did it: key of an identity, or "me" for that of this machine')),
  role: Type.Optional(anyOf(Word, 'Role that the owner has now: admin or member')),
  pact: Type.Optional(anyOf(Word, 'Alias or id of the pact')),
  ref: Type.Optional(
    Type.Object(
      {
        type: Type.Optional(anyOf(Word, 'Type of the reference, e.g. replies')),
        target: Type.Optional(anyOf(Word, 'Id of the entry that is referred to')),
      },
      { description: 'A reference that the entry has', minProperties: 1 },
    ),
  ),
  priority: Type.Optional(anyOf(Word, 'Priority in the payload; what names none counts as normal')),
  assignee: Type.Optional(anyOf(Word, 'Whom it is for: handle or key, "me" or "nobody"')),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'All these words stand in the topic or the payload' }),
  ),
  where: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 256 }), Condition, {
      maxProperties: 32,
      description: 'Conditions on fields of the payload by their paths, e.g. { "source.branch": "main" }',
    }),
  ),
  until: Type.Optional(
    Type.Enum(['applied', 'confirmed'], {
      description:
        'confirmed: only what no reorder can take back any more; applied (default): at once, with corrections',
    }),
  ),
}

/** A whole match. In a query string a list of roles is one text; so only here they are held to those there are. */
export const MatchSchema = Type.Object({
  ...matchFields,
  role: Type.Optional(anyOf(Type.Enum(['admin', 'member']), 'Role that the owner has now')),
})
export type Match = Static<typeof MatchSchema>
export type Condition = Static<typeof Condition>

/** Fields that can be given in a query string as they are. */
export const flatFields = [
  'type',
  'status',
  'topic',
  'agent',
  'owner',
  'role',
  'priority',
  'assignee',
  'text',
  'until',
] as const
