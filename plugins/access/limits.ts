/** What a new token can be limited to: the same inputs wherever one is made. */
import { OpenPactError, Type } from '../../kernel/index.ts'
import { didYouMean } from '../operations/near-names.ts'
import type { Call } from '../operations/operation.ts'
import { operations } from '../operations/service.ts'
import type { IssueOptions } from './service.ts'

export const Level = Type.Union([Type.Literal('read'), Type.Literal('write'), Type.Literal('admin')])

/** Spread them into the input of an operation that makes a token. */
export const TokenLimits = {
  pacts: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Aliases or ids' })),
  operations: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description: 'Names, `<plugin>.*` or `METHOD /path` of a route',
    }),
  ),
  access: Type.Optional(Level),
  lifetime: Type.Optional(
    Type.Integer({ minimum: 1000, maximum: 3.2e11, description: 'How long it is good for, in ms' }),
  ),
}

interface Limits {
  pacts?: string[]
  operations?: string[]
  access?: IssueOptions['access']
  lifetime?: number
}

/** The inputs as `Access.issue` takes them. @throws OpenPactError PACT_UNKNOWN, OPERATION_UNKNOWN */
export function limitsOf(input: Limits, call: Call): Omit<IssueOptions, 'agent'> {
  for (const name of input.operations ?? []) checkName(name, call)
  return {
    pacts: input.pacts?.map(pact => call.kernel.pacts.get(pact).id) ?? null,
    operations: input.operations ?? null,
    access: input.access,
    lifetime: input.lifetime,
  }
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
