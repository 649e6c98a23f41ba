/** Who is in a pact, and the rights of admins over seats. */
import { OpenPactError, Type } from '../../../kernel/index.ts'
import { type Call, operation } from '../../operations/operation.ts'
import { identityNamed, isAdmin, membersOf, writersNamed } from '../seats.ts'
import { Role, SeatNames, Written } from '../shapes.ts'

const MemberName = Type.String({
  minLength: 1,
  maxLength: 96,
  description:
    'Identity or writer (first 8 hex digits), or the name, handle or key of an agent; "me" is the one that asks',
})

const MemberInfo = Type.Object({
  identity: Type.String(),
  role: Role,
  is_self: Type.Boolean(),
  online: Type.Boolean(),
  devices: Type.Array(
    Type.Object({
      writer: Type.String(),
      noise: Type.String(),
      indexer: Type.Boolean(),
      online: Type.Boolean(),
      since: Type.Integer({ description: 'Position of the entry that seated it' }),
    }),
  ),
  agents: Type.Array(
    Type.Object({ handle: Type.String(), name: Type.String(), agent: Type.String(), revoked: Type.Boolean() }),
  ),
})

export const listMembers = operation({
  name: 'pacts.members',
  summary: 'List the members of a pact with their devices and agents',
  http: 'GET /members',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({ entries: Type.Array(MemberInfo), cursor: Type.Null(), has_more: Type.Literal(false) }),
  cli: { path: 'members', columns: ['identity', 'role', 'is_self', 'online', 'devices', 'agents'] },
  run: async (_input, call) => ({
    entries: await membersOf(call.pact, call.kernel.identity.key.toString('hex')),
    cursor: null,
    has_more: false as const,
  }),
})

export const removeMember = operation({
  name: 'pacts.remove',
  summary: 'Remove a member for good: all of its devices are cut off and it cannot come back',
  description: 'It keeps what it already holds. To revoke one lost device of a member, retire the device instead.',
  http: 'DELETE /members/:member',
  access: 'admin',
  input: Type.Object({ member: MemberName, indexers: Type.Optional(SeatNames) }),
  output: Type.Object({ identity: Type.String(), removed: Type.Literal(true), ...Written }),
  errors: [
    'MEMBER_UNKNOWN',
    'AGENT_AMBIGUOUS',
    'NOT_AUTHORISED',
    'IDENTITY_UNKNOWN',
    'INDEXERS_NEEDED',
    'INDEXER_SET_SIZE',
    'INDEXER_NOT_SEATED',
    'LAST_ADMIN',
  ],
  cli: { path: 'remove', args: ['member'] },
  run: async (input, call) => {
    const identity = await identityNamed(call, input.member)
    const seats = await call.pact.members()
    const confirms = seats.some(seat => seat.identity === identity && seat.indexer)
    // The ledger would refuse it as well, but what is signed stays there for ever.
    if (confirms && !input.indexers && (await isAdmin(call.pact))) throw new OpenPactError('INDEXERS_NEEDED')
    const indexers = input.indexers && (await writersNamed(call, input.indexers))
    const written = await write(call, 'member.remove', { identity, ...(indexers ? { indexers } : {}) })
    return { identity, removed: true as const, ...written }
  },
})

export const setRole = operation({
  name: 'pacts.role',
  summary: 'Make a member an admin, or take that back',
  http: 'PUT /members/:member/role',
  access: 'admin',
  input: Type.Object({ member: MemberName, role: Role }),
  output: Type.Object({ identity: Type.String(), role: Role, ...Written }),
  errors: ['MEMBER_UNKNOWN', 'AGENT_AMBIGUOUS', 'NOT_AUTHORISED', 'IDENTITY_UNKNOWN', 'ALREADY', 'LAST_ADMIN'],
  cli: { path: 'role', args: ['member', 'role'] },
  run: async ({ member, role }, call) => {
    const identity = await identityNamed(call, member)
    const written = await write(call, role === 'admin' ? 'admin.grant' : 'admin.revoke', { identity })
    return { identity, role, ...written }
  },
})

export const setIndexers = operation({
  name: 'pacts.indexers',
  summary: 'Choose which devices confirm entries: one, or three and more',
  description: 'The set is replaced whole. With one, nothing is confirmed while it is off; with three, one may be off.',
  http: 'PUT /indexers',
  access: 'admin',
  input: Type.Object({ indexers: SeatNames }),
  output: Type.Object({ indexers: Type.Array(Type.String(), { description: 'Writers, hex' }), ...Written }),
  errors: [
    'MEMBER_UNKNOWN',
    'MEMBER_AMBIGUOUS',
    'AGENT_AMBIGUOUS',
    'NOT_AUTHORISED',
    'INDEXER_SET_SIZE',
    'INDEXER_NOT_SEATED',
  ],
  cli: { path: 'indexers', args: ['indexers'] },
  run: async (input, call) => {
    const writers = await writersNamed(call, input.indexers)
    const written = await write(call, 'pact.indexers', { writers }, { size: writers.length })
    return { indexers: writers, ...written }
  },
})

async function write(call: Call, type: string, payload: object, details: Record<string, unknown> = {}) {
  const { id, confirmed } = await call.append({ type, payload }, { details })
  return { entry: id, confirmed }
}
