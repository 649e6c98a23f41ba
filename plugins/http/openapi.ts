/** The OpenAPI 3.1 document, generated from the declarations of operations and routes. */
import { errorDefinition } from '../../kernel/index.ts'
import { type HttpShape, httpShape } from '../operations/http-shape.ts'
import type { Access, Operation } from '../operations/operation.ts'
import { closedSchema, plainSchema } from '../operations/schema-check.ts'
import type { Operations } from '../operations/service.ts'
import { statusOf } from './problem.ts'
import type { Route } from './route.ts'

export interface Source {
  /** Of the daemon. */
  version: string
  url: string
  operations: Operations
  routes: readonly Route[]
}

type Json = Record<string, unknown>

/** Codes that any operation may answer with, by who is asked. */
const always = ['INVALID_INPUT', 'RATE_LIMITED', 'NOT_READY', 'INTERNAL']
const withToken = ['UNAUTHENTICATED', 'OUT_OF_SCOPE']
const withBody = ['BODY_MALFORMED', 'BODY_TOO_LARGE', 'CONTENT_TYPE_UNSUPPORTED']
const withKey = ['IDEMPOTENCY_KEY_INVALID', 'IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_RUNNING']

export function openApi({ version, url, operations, routes }: Source): Json {
  const paths: Record<string, Json> = {}
  const add = (path: string, method: string, described: Json) => {
    const key = templated(path)
    paths[key] = { ...paths[key], [method.toLowerCase()]: described }
  }
  for (const operation of operations.list()) {
    const shape = httpShape(operation)
    add(shape.path, shape.method, describeOperation(operation, shape, operations.owner(operation.name) ?? ''))
  }
  for (const route of routes) add(route.path, route.method, describeRoute(route))
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenPact',
      version,
      description: 'The local API of an OpenPact daemon. It listens on a loopback address only.',
    },
    servers: [{ url }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'The content of the file `token` in the data directory' },
      },
      schemas: { Error: errorSchema },
    },
  }
}

function describeOperation(operation: Operation, shape: HttpShape, plugin: string): Json {
  const { name, summary, description, access } = operation
  const input = closedSchema(operation.input)
  const properties = (input.properties ?? {}) as Record<string, Json>
  const required = new Set((input.required ?? []) as string[])
  const parameters: Json[] = []
  if (operation.scope !== 'daemon') {
    parameters.push(parameter('path', 'pactId', { type: 'string', description: 'Alias or 64-hex id of a pact' }, true))
  }
  for (const param of shape.params)
    parameters.push(parameter('path', param, properties[param] ?? { type: 'string' }, true))
  const rest = Object.entries(properties).filter(([field]) => !shape.params.includes(field))
  if (shape.query) {
    for (const [field, schema] of rest) parameters.push(parameter('query', field, schema, required.has(field)))
  }
  const writes = access === 'write' || access === 'admin'
  if (writes) parameters.push(idempotencyKey)
  const mandatory = rest.filter(([field]) => required.has(field)).map(([field]) => field)
  const body = { ...input, properties: Object.fromEntries(rest), required: mandatory }
  const answer = { description: 'Done', content: { 'application/json': { schema: plainSchema(operation.output) } } }
  return {
    operationId: name,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [plugin],
    ...security(access),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(shape.query
      ? {}
      : { requestBody: { required: mandatory.length > 0, content: { 'application/json': { schema: body } } } }),
    responses: {
      [operation.created ? '201' : '200']: answer,
      ...(writes ? { '202': { ...answer, description: 'Accepted; not settled yet' } } : {}),
      ...problems([
        ...always,
        ...(access === 'open' ? [] : withToken),
        ...(operation.scope === 'daemon' ? [] : ['PACT_UNKNOWN']),
        ...(shape.query ? [] : withBody),
        ...(writes ? withKey : []),
        ...(operation.errors ?? []),
      ]),
    },
    'x-openpact-access': access,
  }
}

function describeRoute({ method, path, access, summary }: Route): Json {
  const params = [...path.matchAll(/:(\w+)/g)].map(([, name]) => parameter('path', name!, { type: 'string' }, true))
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^a-zA-Z0-9]+/g, '_')}`,
    summary,
    ...security(access),
    ...(params.length > 0 ? { parameters: params } : {}),
    responses: {
      '200': { description: 'Done' },
      ...problems(['RATE_LIMITED', 'NOT_READY', 'INTERNAL', ...(access === 'open' ? [] : withToken)]),
    },
    'x-openpact-access': access,
  }
}

function security(access: Access): Json {
  return access === 'open' ? { security: [] } : {}
}

function parameter(where: 'path' | 'query', name: string, schema: Json, required: boolean): Json {
  const { description, ...rest } = schema
  return { name, in: where, required, ...(description === undefined ? {} : { description }), schema: rest }
}

/** One response per status, listing the codes that come with it. */
function problems(codes: string[]): Json {
  const byStatus = new Map<number, Set<string>>()
  for (const code of codes) {
    const definition = errorDefinition(code)
    const status = definition ? statusOf({ code, kind: definition.kind }) : 500
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code))
  }
  const responses = [...byStatus].map(([status, named]) => [
    String(status),
    {
      description: [...named].sort().join(', '),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Error' } } },
    },
  ])
  return Object.fromEntries(responses)
}

function templated(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}')
}

const idempotencyKey: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request answers the same and writes nothing twice',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

const errorSchema: Json = {
  type: 'object',
  description: 'RFC 9457 problem details, with the code and what to do next',
  required: ['type', 'title', 'status', 'detail', 'error', 'message', 'help'],
  properties: {
    type: { type: 'string', description: '`urn:openpact:error:<code>`' },
    title: { type: 'string' },
    status: { type: 'integer', description: 'The HTTP status' },
    detail: { type: 'string', description: 'The same as `message`' },
    error: { type: 'string', description: 'The code' },
    message: { type: 'string', description: 'What happened' },
    help: { type: 'string', description: 'What to do next' },
  },
}
