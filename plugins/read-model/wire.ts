/** Schemas of entries and pages of them, for the operations of any plugin that answers with them. */
import { type TSchema, Type } from '../../kernel/index.ts'

export const RefShape = Type.Object({
  pact: Type.Optional(Type.String({ description: 'Id of the other pact (64 hex); absent for the same pact' })),
  id: Type.String({ description: 'Id of the entry that is referred to' }),
  type: Type.String({ description: 'supersedes, supports, contradicts, related, applied, replies, or a plugin’s own' }),
})

export const EntryShape = Type.Object({
  id: Type.String({ description: '<8 hex of the writer>-<its counter>' }),
  type: Type.String(),
  v: Type.Integer({ description: 'Version of the payload' }),
  topic: Type.String(),
  payload: Type.Unknown(),
  refs: Type.Array(RefShape),
  author: Type.String({ description: 'Handle of the agent: <name>-<6 hex>' }),
  agent: Type.String({ description: 'Public key of the agent, hex' }),
  identity: Type.Union([Type.String(), Type.Null()], { description: 'Public key of the identity, hex' }),
  timestamp: Type.String({ description: 'ISO 8601; the author’s claim, which never decides the order' }),
  from_future: Type.Optional(Type.Literal(true, { description: 'The claim is more than a day ahead of this machine' })),
  position: Type.Integer({ description: 'Place in the ledger' }),
  verdict: Type.String({ description: 'accepted, or why it was refused' }),
  confirmed: Type.Boolean({ description: 'A quorum of indexers has signed it: it will not move any more' }),
  unreadable: Type.Optional(Type.String({ description: 'Why the payload cannot be read here' })),
  caused_by: Type.Optional(Type.String()),
  hops: Type.Optional(Type.Integer()),
  run: Type.Optional(Type.String({ description: 'Key of the run of a trigger that wrote it' })),
  origin: Type.Optional(Type.String()),
  carried_from: Type.Optional(
    Type.String({ description: 'Id of the pact that it was written in, before it was refounded' }),
  ),
  secret_allowed: Type.Optional(
    Type.Literal(true, { description: 'Its author had it signed without a search for secrets' }),
  ),
})

/** A page of a list. */
export function pageShape<const Item extends TSchema>(item: Item) {
  return Type.Object({
    entries: Type.Array(item),
    cursor: Type.Union([Type.String(), Type.Null()], { description: 'For the next page; null on the last' }),
    has_more: Type.Boolean(),
    partial: Type.Optional(
      Type.Literal(true, { description: 'History is still on its way to this machine: more will be found later' }),
    ),
  })
}

/** Inputs that every list of entries takes. */
export const PageInput = {
  order: Type.Optional(
    Type.Union([Type.Literal('asc'), Type.Literal('desc')], { description: 'desc (newest first) by default' }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: '50 by default' })),
  cursor: Type.Optional(Type.String({ maxLength: 256, description: 'From the page before' })),
}
