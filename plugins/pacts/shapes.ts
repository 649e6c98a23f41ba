/** Shapes that several operations of this plugin answer with. */
import { limits, Type } from '../../kernel/index.ts'

export const Nullable = <T extends ReturnType<typeof Type.String>>(type: T, description?: string) =>
  Type.Union([type, Type.Null()], description === undefined ? {} : { description })

/** Names a pact: alias or 64-hex id. */
export const PactName = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Alias or id of a pact of this machine',
})
export const Alias = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,63}$',
  title: 'an alias of lower-case letters, digits and dashes',
  description: 'Name on this machine',
})
export const Role = Type.Enum(['member', 'admin'])
/** Names a seat: the beginning of a writer, or a handle or identity that has one device. */
export const SeatNames = Type.Array(Type.String({ minLength: 1, maxLength: 96 }), {
  minItems: 1,
  maxItems: 32,
  description: 'Writers (first 8 hex digits), handles or identities: one, or three and more',
})

/** What every write of this plugin answers about its entry. */
export const Written = { entry: Type.String({ description: 'Id of the entry' }), confirmed: Type.Boolean() }

/** With the limits of the kernel, which says only that the whole is no charter: here the field at fault is named. */
export const Charter = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128, description: 'Name of the pact, shown to its members' }),
  purpose: Type.String({ maxLength: 2048, description: 'What the pact is for' }),
  template: Type.String(),
  visibility: Type.String(),
  invites: Type.Enum(['admin', 'member']),
  types: Type.Union(
    [
      Type.Array(Type.String({ pattern: '^[a-z][a-z0-9._-]{0,63}$', title: 'a type of entries, e.g. task.claim' }), {
        maxItems: 256,
      }),
      Type.Null(),
    ],
    { description: 'What members may write; null for all' },
  ),
  quotas: Type.Object(
    { payload_bytes: Type.Integer({ minimum: 1, maximum: limits.payload }) },
    { description: 'Bytes that the payload of an entry may have, as JSON: {"payload_bytes":65536}' },
  ),
  rules: Type.Array(
    Type.Object({
      plugin: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$', title: 'the name of a plugin' }),
      protocol: Type.Integer({ minimum: 1, maximum: 0xffff }),
      settings: Type.Unknown(),
    }),
    {
      maxItems: 64,
      description: 'Rules by which entries are judged, as JSON: {"plugin":"tasks","protocol":1,"settings":{}}',
    },
  ),
})

export const CharterView = Type.Object({
  charter: Charter,
  hash: Type.String({
    description: 'Names this charter; an amendment names it, or the proposed one where there is one',
  }),
  proposed: Type.Union(
    [Type.Null(), Type.Object({ charter: Charter, hash: Type.String(), ready: Type.Array(Type.String()) })],
    {
      description: 'The charter with the rules that wait until a quorum of indexers can run them',
    },
  ),
})

export const PactSummary = Type.Object({
  id: Type.String(),
  alias: Type.String(),
  name: Type.String(),
  active: Type.Boolean({ description: 'The pact that is meant when none is named' }),
  length: Type.Integer({ description: 'Entries in the ledger' }),
  confirmed: Type.Integer({ description: 'Of these, how many will never move' }),
  synced: Type.Boolean(),
  writable: Type.Boolean(),
  waiting: Type.String({ description: 'What must happen before entries are confirmed; empty when nothing' }),
})

export const JoinInfo = Type.Object({
  ticket: Type.String(),
  alias: Nullable(Type.String()),
  state: Type.Enum(['connecting', 'asking', 'pending', 'accepted', 'joined', 'refused']),
  words: Type.String({ description: 'What is happening, or what must happen first' }),
  started: Type.String({ description: 'ISO 8601' }),
})
