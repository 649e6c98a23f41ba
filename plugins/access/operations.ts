/** The operations on tokens. Only a caller without any limit, speaking for the default agent, may use them. */
import { OpenPactError, Type } from '../../kernel/index.ts'
import { ME, meant } from '../operations/named-agent.ts'
import { didYouMean } from '../operations/near-names.ts'
import { operation } from '../operations/operation.ts'
import { Level, limitsOf, TokenLimits } from './limits.ts'
import { ownerOnly } from './permits.ts'
import { access, type TokenInfo } from './service.ts'

const Names = (what: string) =>
  Type.Union([Type.Array(Type.String()), Type.Null()], { description: `${what}; null for all` })

const Info = Type.Object({
  id: Type.String({ description: 'First 8 hex of the hash' }),
  agent: Type.String(),
  pacts: Names('Ids of pacts'),
  operations: Names('Operations, `<plugin>.*` or `METHOD /path`'),
  access: Level,
  expires: Type.Union([Type.String(), Type.Null()], { description: 'ISO 8601; null for no end' }),
  created: Type.String({ description: 'ISO 8601' }),
  main: Type.Boolean({ description: 'The token in the file `token` of the data directory' }),
})

const TokenId = Type.String({ pattern: '^[0-9a-f]{8}$', title: 'the id of a token, like 7f2d1a0b' })

const shared = { scope: 'daemon', access: 'admin' } as const

export const listTokens = operation({
  ...shared,
  name: 'access.list',
  summary: 'List the tokens of this machine, never the secrets themselves',
  http: 'GET /tokens',
  input: Type.Object({}),
  output: Type.Object({ entries: Type.Array(Info), cursor: Type.Null(), has_more: Type.Boolean() }),
  cli: { path: 'token list', columns: ['id', 'agent', 'access', 'pacts', 'operations', 'expires', 'main'] },
  run: (_input, call) => {
    ownerOnly(call, 'manage tokens')
    return { entries: call.use(access).list().map(shown), cursor: null, has_more: false }
  },
})

export const issueToken = operation({
  ...shared,
  name: 'access.issue',
  summary: 'Make a token, limited to an agent, pacts, operations and a lifetime; it is shown once',
  http: 'POST /tokens',
  created: true,
  input: Type.Object({
    agent: Type.Optional(
      Type.String({
        maxLength: 80,
        description: 'Name, handle or key of an agent of this machine; the one that asks if absent',
      }),
    ),
    ...TokenLimits,
  }),
  output: Type.Object({ token: Type.String(), info: Info }),
  errors: ['AGENT_UNKNOWN', 'OPERATION_UNKNOWN'],
  cli: { path: 'token issue' },
  run: async (input, call) => {
    ownerOnly(call, 'manage tokens')
    const agent = meant(call, input.agent ?? ME)
    const { token, info } = await call.use(access).issue({ agent, ...limitsOf(input, call) })
    return { token, info: shown(info) }
  },
})

export const revokeToken = operation({
  ...shared,
  name: 'access.revoke',
  summary: 'Revoke a token at once',
  http: 'DELETE /tokens/:id',
  input: Type.Object({ id: TokenId }),
  output: Type.Object({ id: Type.String(), revoked: Type.Boolean() }),
  errors: ['TOKEN_UNKNOWN', 'TOKEN_IS_MAIN'],
  cli: { path: 'token revoke', args: ['id'] },
  run: async ({ id }, call) => {
    ownerOnly(call, 'manage tokens')
    const tokens = call.use(access)
    if (await tokens.revoke(id)) return { id, revoked: true }
    throw new OpenPactError('TOKEN_UNKNOWN', {
      id,
      near: didYouMean(
        id,
        tokens.list().map(token => token.id),
      ),
    })
  },
})

export const rotateToken = operation({
  ...shared,
  name: 'access.rotate',
  summary: 'Replace the main token; the old one stops working at once',
  http: 'POST /tokens/rotate',
  input: Type.Object({}),
  output: Type.Object({ token: Type.String() }),
  cli: { path: 'token rotate' },
  run: async (_input, call) => {
    ownerOnly(call, 'manage tokens')
    return { token: await call.use(access).rotate() }
  },
})

function shown({ expires, created, ...info }: TokenInfo) {
  const iso = (ms: number) => new Date(ms).toISOString()
  return { ...info, expires: expires === null ? null : iso(expires), created: iso(created) }
}
