/** What a user can do with invites. The token is in the answer that makes it, and nowhere afterwards. */
import { Type } from '../../kernel/index.ts'
import { operation } from '../operations/operation.ts'
import { readModel } from '../read-model/service.ts'
import { PageInput } from '../read-model/wire.ts'
import { Role } from './entries.ts'
import { newInvite } from './invite.ts'
import { inviteBy, invitePage } from './list.ts'

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const InviteId = Type.String({
  pattern: '^[0-9a-f]{8,64}$',
  title: 'the id of an invite, or its first 8 hex digits',
})
const Nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description })

const InviteInfo = Type.Object({
  id: Type.String(),
  role: Role,
  state: Type.Enum(['open', 'spent', 'expired', 'revoked']),
  uses: Type.Integer(),
  max_uses: Type.Integer(),
  expires: Nullable('ISO 8601; null for no end'),
  note: Nullable('Whom it is for'),
  entry: Type.String(),
  created: Nullable('ISO 8601'),
  author: Nullable('Handle of the agent that made it'),
})

export const createInvite = operation({
  name: 'invites.create',
  summary: 'Make an invite; hand its token to whoever shall join',
  description:
    'Good for one newcomer and 24 hours unless told otherwise. The token holds no key of the pact and is shown once.',
  http: 'POST /invites',
  access: 'admin',
  created: true,
  input: Type.Object({
    role: Type.Optional(Role),
    max_uses: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: 1, description: 'How many newcomers it is good for (1)' }),
    ),
    expires_in: Type.Optional(
      Type.String({
        pattern: '^(never|[1-9][0-9]{0,5}[smhd])$',
        default: '24h',
        title: 'a span like 30m, 24h or 7d, or "never"',
      }),
    ),
    note: Type.Optional(Type.String({ maxLength: 200, description: 'Whom it is for' })),
  }),
  output: Type.Object({
    id: Type.String(),
    token: Type.String({ description: 'Give it to one newcomer: `openpact join <token>`' }),
    role: Role,
    max_uses: Type.Integer(),
    expires: Nullable('ISO 8601; null for no end'),
    entry: Type.String(),
    confirmed: Type.Boolean(),
  }),
  errors: ['NOT_AUTHORISED', 'INVITE_EXPIRED'],
  cli: { path: 'invite', after: 'It lets into the pact {pact}. On the other machine: openpact join {token}' },
  run: async ({ role = 'member', max_uses = 1, expires_in = '24h', note }, call) => {
    const { id, token, publicKey } = newInvite(call.pact)
    const expires = endOf(expires_in, Math.max(Date.now(), await call.pact.time()))
    const payload = { public_key: publicKey, role, max_uses, expires, ...(note === undefined ? {} : { note }) }
    const receipt = await call.append({ type: 'invite', payload })
    return {
      id,
      token,
      role,
      max_uses,
      expires: expires === 0 ? null : new Date(expires).toISOString(),
      entry: receipt.id,
      confirmed: receipt.confirmed,
    }
  },
})

export const listInvites = operation({
  name: 'invites.list',
  summary: 'List the invites of the pact, newest first, with their uses; never their tokens',
  http: 'GET /invites',
  access: 'read',
  input: Type.Object({
    limit: PageInput.limit,
    cursor: PageInput.cursor,
  }),
  output: Type.Object({
    entries: Type.Array(InviteInfo),
    cursor: Nullable('For the next page'),
    has_more: Type.Boolean(),
  }),
  cli: { path: 'invite list', columns: ['id', 'state', 'role', 'uses', 'max_uses', 'expires', 'note'] },
  run: async (input, call) => invitePage(call.use(readModel), call.pact, await call.pact.time(), input),
})

export const revokeInvite = operation({
  name: 'invites.revoke',
  summary: 'Revoke an invite: nobody else gets in by it',
  http: 'DELETE /invites/:id',
  access: 'admin',
  input: Type.Object({ id: InviteId }),
  output: Type.Object({
    id: Type.String(),
    state: Type.Literal('revoked'),
    entry: Type.String(),
    confirmed: Type.Boolean(),
  }),
  errors: ['INVITE_UNKNOWN', 'INVITE_REVOKED', 'NOT_AUTHORISED'],
  cli: { path: 'invite revoke', args: ['id'] },
  run: async (input, call) => {
    const { id } = inviteBy(call.use(readModel), call.pact, input.id, await call.pact.time())
    const receipt = await call.append({ type: 'invite.revoke', payload: { id } }, { details: { id } })
    return { id, state: 'revoked' as const, entry: receipt.id, confirmed: receipt.confirmed }
  },
})

/** Ledger time at which an invite made now ends; 0 for never. */
function endOf(span: string, now: number): number {
  return span === 'never' ? 0 : now + Number(span.slice(0, -1)) * (UNITS[span.slice(-1)] ?? 0)
}
