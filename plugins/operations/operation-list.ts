/** `GET /v1/operations`: what the daemon offers, as data; the command line makes its verbs of it. */
import { Type } from '../../kernel/index.ts'
import { httpShape } from './http-shape.ts'
import { type Operation, operation } from './operation.ts'
import { closedSchema, plainSchema } from './schema-check.ts'
import { operations } from './service.ts'

const Words = Type.Array(Type.String())

const OperationInfo = Type.Object({
  name: Type.String(),
  plugin: Type.String(),
  summary: Type.String(),
  description: Type.Optional(Type.String()),
  http: Type.String({ description: 'Method and path as declared, below /v1 or /v1/pacts/:pactId' }),
  method: Type.String(),
  path: Type.String({ description: 'The full path with :parameters' }),
  params: Type.Array(Type.String(), { description: 'Fields of the input that stand in the path' }),
  query: Type.Boolean({ description: 'The other fields go into the query string, otherwise into a JSON body' }),
  scope: Type.Union([Type.Literal('pact'), Type.Literal('daemon')]),
  access: Type.String(),
  input: Type.Unknown(),
  output: Type.Unknown(),
  errors: Words,
  cli: Type.Optional(
    Type.Object({
      path: Type.String(),
      description: Type.Optional(Type.String({ description: 'Instead of the description, on the command line' })),
      args: Type.Optional(Words),
      file: Type.Optional(Type.String({ description: 'Input that is typed as the path of a text file' })),
      columns: Type.Optional(Words),
      list: Type.Optional(Type.String({ description: 'The list of the answer that is shown; entries if absent' })),
      text: Type.Optional(Type.String({ description: 'The one field of the answer that is printed, as it is' })),
      after: Type.Optional(Type.String({ description: 'Said to people after the answer; {field} is a field of it' })),
      notes: Type.Optional(
        Type.Record(Type.String(), Type.String(), {
          description: 'Said to people where that field of the answer is true',
        }),
      ),
    }),
  ),
  mcp: Type.Optional(Type.Unknown()),
})

export const listOperations = operation({
  name: 'operations.list',
  summary: 'List every operation of this daemon with its schemas',
  http: 'GET /operations',
  scope: 'daemon',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({
    version: Type.String({ description: 'Version of the daemon' }),
    entries: Type.Array(OperationInfo),
    cursor: Type.Null(),
    has_more: Type.Boolean(),
  }),
  etag: true,
  run: (_input, call) => {
    const service = call.use(operations)
    const entries = service.list().map(each => operationInfo(each, service.owner(each.name) ?? ''))
    return { version: call.kernel.version, entries, cursor: null, has_more: false }
  },
})

/** An operation as data, for surfaces that are made of it. */
export function operationInfo(each: Operation, plugin: string) {
  const { name, summary, description, http, scope = 'pact' as const, access, errors = [], cli, mcp } = each
  const { method, path, params, query } = httpShape(each)
  return {
    name,
    plugin,
    summary,
    ...(description === undefined ? {} : { description }),
    http,
    method,
    path,
    params: [...params],
    query,
    scope,
    access,
    input: closedSchema(each.input),
    output: plainSchema(each.output),
    errors: [...errors],
    ...(cli ? { cli: { ...cli, args: [...(cli.args ?? [])], columns: [...(cli.columns ?? [])] } } : {}),
    ...(mcp ? { mcp } : {}),
  }
}
