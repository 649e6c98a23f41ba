/** Joining other people's pacts. The work is done by the service `joining` of the plugin invites. */
import { isOpenPactError, OpenPactError, Type } from '../../../kernel/index.ts'
import { type JoinStatus, joining } from '../../invites/service.ts'
import { operation } from '../../operations/operation.ts'
import { activePact } from '../service.ts'
import { Alias, JoinInfo, PactSummary } from '../shapes.ts'
import { summaryOf } from '../views.ts'

export const joinPact = operation({
  name: 'pacts.join',
  summary: 'Join a pact with the token of an invite or of a device link',
  description:
    'Answers when this machine has its seat and can read. When that takes longer than `timeout`, the answer is 202 and says what ' +
    'must happen first; the daemon goes on asking, also after a restart. The same token may be given again at any time. ' +
    'Where a plugin of the pact is missing here, the machine has joined, and `words` says what to install.',
  http: 'POST /pacts/join',
  scope: 'daemon',
  access: 'admin',
  input: Type.Object({
    token: Type.String({ minLength: 1, maxLength: 1000 }),
    alias: Type.Optional(Alias),
    timeout: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 100_000, default: 60_000, description: 'How long to wait, ms' }),
    ),
  }),
  output: Type.Object({
    state: Type.Enum(['joined', 'pending']),
    words: Type.String({ description: 'What must happen first; empty when this machine reads and writes' }),
    ticket: Type.Optional(Type.String({ description: 'Names the attempt while it is pending' })),
    pact: Type.Optional(PactSummary),
    id: Type.Optional(Type.String()),
    alias: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
  }),
  errors: [
    'INVITE_MALFORMED',
    'INVITE_UNKNOWN',
    'INVITE_SPENT',
    'INVITE_EXPIRED',
    'INVITE_REVOKED',
    'JOIN_REFUSED',
    'JOIN_CANCELLED',
    'PACT_EXISTS',
  ],
  cli: { path: 'join', args: ['token'] },
  run: async ({ token, alias, timeout }, call) => {
    try {
      const pact = await call.use(joining).join(token, { alias, timeout, signal: call.signal })
      const active = call.use(activePact)
      active.arrived(pact)
      const summary = await summaryOf(pact, active.get() === pact)
      const { id, name, waiting } = summary
      const words = (await pact.status()).interrupted ? waiting : ''
      return { state: 'joined' as const, words, pact: summary, id, alias: pact.alias, name }
    } catch (error) {
      if (!isOpenPactError(error) || error.code !== 'JOIN_PENDING') throw error
      call.pending()
      return { state: 'pending' as const, words: String(error.details.words), ticket: String(error.details.ticket) }
    }
  },
})

export const listJoins = operation({
  name: 'pacts.joins',
  summary: 'List the attempts to join that are under way, with what each waits for',
  http: 'GET /joins',
  scope: 'daemon',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({ entries: Type.Array(JoinInfo), cursor: Type.Null(), has_more: Type.Literal(false) }),
  cli: { path: 'joins', columns: ['ticket', 'alias', 'state', 'started', 'words'] },
  run: (_input, call) => ({
    entries: call.caller.pacts ? [] : call.use(joining).list().map(joinView),
    cursor: null,
    has_more: false as const,
  }),
})

export const cancelJoin = operation({
  name: 'pacts.cancel_join',
  summary: 'Give up an attempt to join',
  http: 'DELETE /joins/:ticket',
  scope: 'daemon',
  access: 'admin',
  input: Type.Object({
    ticket: Type.String({
      pattern: '^[0-9a-f]{8,64}$',
      title: 'the ticket of an attempt, or its first 8 hex digits',
    }),
  }),
  output: Type.Object({ ticket: Type.String(), cancelled: Type.Literal(true) }),
  errors: ['JOIN_UNKNOWN'],
  cli: { path: 'joins cancel', args: ['ticket'] },
  run: async (input, call) => {
    const joins = call.use(joining)
    const ticket = joins.list().find(each => each.ticket.startsWith(input.ticket))?.ticket
    if (!ticket || !(await joins.cancel(ticket))) throw new OpenPactError('JOIN_UNKNOWN', { ticket: input.ticket })
    return { ticket, cancelled: true as const }
  },
})

export function joinView(status: JoinStatus) {
  return { ...status, started: new Date(status.started).toISOString() }
}
