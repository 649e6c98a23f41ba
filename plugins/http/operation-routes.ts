/** Serves every operation at its path. */
import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { OpenPactError } from '../../kernel/index.ts'
import { type HttpShape, httpShape } from '../operations/http-shape.ts'
import type { Caller, Operation } from '../operations/operation.ts'
import type { Invocation, Operations } from '../operations/service.ts'
import type { Door } from './door.ts'
import type { Lifetime, Lifetimes } from './lifetimes.ts'

export interface Serving {
  operations: Operations
  door: Door
  lifetimes: Lifetimes
}

type Fields = Record<string, unknown>

/** A class, because a literal with a getter would be kept in memory far too long; see RunningCall. */
class Request implements Invocation {
  readonly caller: Caller | null
  readonly pact: string | undefined
  readonly idempotencyKey: string | undefined
  readonly text: boolean
  readonly #lifetime: Lifetime

  constructor(
    caller: Caller | null,
    pact: string | undefined,
    key: string | string[] | undefined,
    text: boolean,
    lifetime: Lifetime,
  ) {
    this.caller = caller
    this.pact = pact
    this.idempotencyKey = Array.isArray(key) ? key.join(',') : key
    this.text = text
    this.#lifetime = lifetime
  }

  get signal(): AbortSignal {
    return this.#lifetime.signal
  }
}

const control = /\p{Cc}/u

/** Adds the route of one operation. Everything that is the same for all requests is worked out here, once. */
export function serveOperation(app: FastifyInstance, operation: Operation, serving: Serving): void {
  const { operations, door, lifetimes } = serving
  const shape = httpShape(operation)
  const read = shape.method === 'GET'
  const etag = operation.etag ?? (read && shape.params.length > 0)
  const settled = operation.created ? 201 : 200

  app.route({
    method: shape.method,
    url: shape.path,
    exposeHeadRoute: read,
    bodyLimit: operation.bodyLimit && Math.max(operation.bodyLimit, app.initialConfig.bodyLimit ?? 0),
    onRequest: door.knock(operation.access),
    handler: async (request, reply) => {
      const params = request.params as Record<string, string>
      const key = request.headers['idempotency-key']
      const lifetime = lifetimes.begin(reply.raw, read)
      const invocation = new Request(door.caller(request.raw), params.pactId, key, shape.query, lifetime)
      const { output, pending } = await operations.invoke(operation.name, inputOf(shape, request, params), invocation)
      const body = JSON.stringify(output ?? null)
      if (read) {
        reply.header('cache-control', 'private, no-cache')
        linkNext(request.raw.url ?? '', output, reply)
        if (etag && unchanged(request, body, reply)) return reply.code(304).send()
      }
      reply.code(pending ? 202 : settled).header('content-type', 'application/json; charset=utf-8')
      return reply.send(body)
    },
  })
}

/** Path parameters and query, or path parameters and body. @throws OpenPactError INVALID_INPUT */
function inputOf(shape: HttpShape, request: FastifyRequest, params: Record<string, string>): Fields {
  const query = request.query as Fields
  const body: unknown = request.body === undefined ? {} : request.body
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid('the body should be a JSON object.')
  if (shape.query && Object.keys(body).length > 0)
    throw invalid(`${shape.method} takes its fields in the query, not in a body.`)
  if (!shape.query && Object.keys(query).length > 0) {
    throw invalid(`${shape.method} takes its fields in the body; the query is not read.`)
  }
  const input: Fields = { ...(shape.query ? query : body) }
  for (const [name, value] of Object.entries(params)) {
    if (control.test(value)) throw invalid(`"${name}" holds a control character.`)
    // The pact that an operation is about is not a field of it; for operations on pacts themselves it is.
    if (!shape.params.includes(name)) continue
    if (Object.hasOwn(input, name) && input[name] !== value) throw invalid(`"${name}" is given in the path already.`)
    input[name] = value
  }
  return input
}

function invalid(reason: string): OpenPactError {
  return new OpenPactError('INVALID_INPUT', { reason })
}

/** `Link: <…>; rel="next"` on a page that has a successor. */
function linkNext(url: string, output: unknown, reply: FastifyReply): void {
  if (typeof output !== 'object' || output === null || !('has_more' in output && 'cursor' in output)) return
  if (output.has_more !== true || typeof output.cursor !== 'string') return
  const [path, query] = url.split('?', 2)
  const next = new URLSearchParams(query)
  next.set('cursor', output.cursor)
  reply.header('link', `<${path}?${next}>; rel="next"`)
}

/** Sets the weak tag and says whether the client has this body already (RFC 9110, If-None-Match). */
function unchanged(request: FastifyRequest, body: string, reply: FastifyReply): boolean {
  const tag = `"${hash('sha1', body, 'base64url')}"`
  reply.header('etag', `W/${tag}`)
  const known = request.headers['if-none-match']
  if (!known) return false
  return known.split(',').some(each => ['*', tag].includes(each.trim().replace(/^W\//, '')))
}
