/** The operations on tokens. Only a caller without any limit, speaking for the default agent, may use them. */
import { Type } from 'typebox'
import { OpenPactError } from '../../kernel/index.ts'
import { didYouMean } from '../operations/near-names.ts'
import { type Call, operation } from '../operations/operation.ts'
import { operations } from '../operations/service.ts'
import { unlimited } from './permits.ts'
import { access } from './service.ts'

const Names = (what: string) =>
  Type.Union([Type.Array(Type.String()), Type.Null()], { description: `${what}; null for all` })

const Level = Type.Union([Type.Literal('read'), Type.Literal('write'), Type.Literal('admin')])

const Info = Type.Object({
  id: Type.String({ description: 'First 8 hex of the hash' }),
  agent: Type.String(),
  pacts: Names('Ids of pacts'),
  operations: Names('Operations, `<plugin>.*` or `METHOD /path`'),
  access: Level,
  expires: Type.Union([Type.Integer(), Type.Null()], { description: 'Milliseconds since 1970; null for no end' }),
  created: Type.Integer({ description: 'Milliseconds since 1970' }),
  main: Type.Boolean({ description: 'The token in the file `token` of the data directory' }),
})

const TokenId = Type.String({ pattern: '^[0-9a-f]{8}$', title: '8 hex digits' })

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
    ownersOnly(call)
    return { entries: call.use(access).list(), cursor: null, has_more: false }
  },
})

export const issueToken = operation({
  ...shared,
  name: 'access.issue',
  summary: 'Make a token, limited to an agent, pacts, operations and a lifetime; it is shown once',
  http: 'POST /tokens',
  created: true,
  input: Type.Object({
    agent: Type.Optional(Type.String({ description: 'Agent of this machine; the default agent if absent' })),
    pacts: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Aliases or ids' })),
    operations: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'Names, `<plugin>.*` or `METHOD /path` of a route',
      }),
    ),
    access: Type.Optional(Level),
    lifetime: Type.Optional(Type.Integer({ minimum: 1000, maximum: 3.2e11, description: 'Milliseconds' })),
  }),
  output: Type.Object({ token: Type.String(), info: Info }),
  errors: ['AGENT_UNKNOWN', 'OPERATION_UNKNOWN'],
  cli: { path: 'token issue' },
  run: (input, call) => {
    ownersOnly(call)
    const { agent = call.caller.agent, access: level, lifetime } = input
    const pacts = input.pacts?.map(pact => call.kernel.pacts.get(pact).id) ?? null
    for (const name of input.operations ?? []) checkName(name, call)
    return call.use(access).issue({ agent, pacts, operations: input.operations ?? null, access: level, lifetime })
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
    ownersOnly(call)
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
    ownersOnly(call)
    return { token: await call.use(access).rotate() }
  },
})

/** A limited token that could make tokens would have no limits. */
function ownersOnly({ caller, kernel }: Pick<Call, 'caller' | 'kernel'>): void {
  if (unlimited(caller) && caller.agent === kernel.identity.defaultAgent.name) return
  throw new OpenPactError('OUT_OF_SCOPE', { reason: 'only the main agent without limits may manage tokens' })
}

function checkName(name: string, call: Call): void {
  // Routes are named by method and path; they are not operations.
  if (/^(GET|POST|PUT|DELETE) \//.test(name)) return
  const known = call
    .use(operations)
    .list()
    .map(each => each.name)
  const plugins = [...new Set(known.map(each => `${each.split('.')[0]}.*`))]
  if (known.includes(name) || plugins.includes(name)) return
  throw new OpenPactError('OPERATION_UNKNOWN', { name, near: didYouMean(name, [...known, ...plugins]) })
}
