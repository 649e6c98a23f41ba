/** The HTTP server: Fastify behind the door, on a loopback address only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { isOpenPactError, OpenPactError, type PluginContext } from '../../kernel/index.ts'
import type { Access } from '../access/service.ts'
import { httpShape } from '../operations/http-shape.ts'
import type { Operations } from '../operations/service.ts'
import type { HttpConfig } from './config.ts'
import { Door } from './door.ts'
import { readJson } from './json-body.ts'
import { Lifetimes } from './lifetimes.ts'
import { serveOperation } from './operation-routes.ts'
import { serveRoute } from './plugin-routes.ts'
import { problemHeaders, problemOf, statusOf } from './problem.ts'
import { RateLimit } from './rate-limit.ts'
import { answerUnreadable, requestError, sendProblem } from './request-errors.ts'
import { type Http, type Route, routePoint } from './route.ts'
import { RouteTable } from './route-table.ts'

/** ms that running writes get to finish when the daemon stops; the kernel waits 5 s in all. */
const GRACE = 3000

/** Refusals of a daemon that starts or stops: a moment later they are over. */
const passing = new Set(['NOT_READY', 'CLOSING'])

/** Answered while pacts are still being opened: the process is there. */
const early = new Set(['/v1/ping', '/v1/healthz'])

export class HttpServer implements Http {
  readonly #ctx: PluginContext<HttpConfig>
  readonly #door: Door
  readonly #node: Server
  readonly #lifetimes: Lifetimes
  readonly #table = new RouteTable()
  readonly server: FastifyInstance
  readonly routes: readonly Route[]
  #state: 'starting' | 'ready' | 'closing' = 'starting'
  #url = ''
  #closed: Promise<void> | null = null

  /** @throws OpenPactError ROUTES_INVALID naming every fault with its plugin */
  constructor(ctx: PluginContext<HttpConfig>, access: Access, operations: Operations) {
    const { limits, body_limit } = ctx.config
    this.#ctx = ctx
    this.#door = new Door(access, new RateLimit(limits.token, limits.stranger))
    // Small limits on time and size of what has not been let in yet; a kept connection outlives most pauses of an agent.
    const options = {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 72_000,
      maxHeaderSize: 16_384,
      // Node's own answer to a missing Host says nothing; the door's does.
      requireHostHeader: false,
    }
    let handle: (request: IncomingMessage, response: ServerResponse) => void = () => {}
    this.#node = createServer(options, (request, response) => this.#receive(request, response, handle))
    this.#lifetimes = new Lifetimes(() => setImmediate(() => this.#node.closeIdleConnections()))
    this.server = Fastify({
      serverFactory: handler => {
        handle = handler
        return this.#node
      },
      bodyLimit: body_limit,
      exposeHeadRoutes: false,
      return503OnClosing: false,
      routerOptions: { maxParamLength: 1024 },
      clientErrorHandler: answerUnreadable,
      frameworkErrors: (error, _request, reply) => sendProblem(reply.raw, requestError(error, body_limit)),
    })
    this.#prepare(body_limit)
    this.routes = this.#serve(operations)
  }

  get url(): string {
    return this.#url
  }

  /** @throws OpenPactError PORT_TAKEN, PORT_UNUSABLE */
  async listen(): Promise<void> {
    const { host, port } = this.#ctx.config
    try {
      await this.server.listen({ host, port })
    } catch (error) {
      await this.server.close()
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      const code = reason === 'EADDRINUSE' ? 'PORT_TAKEN' : 'PORT_UNUSABLE'
      throw new OpenPactError(code, { host, port, reason }, { cause: error })
    }
    const { port: taken } = this.#node.address() as AddressInfo
    this.#url = `http://${host.includes(':') ? `[${host}]` : host}:${taken}`
    this.#door.open(this.#url, taken)
  }

  /** From now on operations are served; until then only `/v1/ping` and `/v1/healthz`. */
  ready(): void {
    if (this.#state === 'starting') this.#state = 'ready'
  }

  /** Refuses new requests, ends reads and streams, lets writes finish for a short time. */
  close(): Promise<void> {
    this.#state = 'closing'
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#lifetimes.close()
    const grace = setTimeout(() => {
      this.#lifetimes.endAll()
      this.#node.closeAllConnections()
    }, GRACE)
    await this.server.close()
    clearTimeout(grace)
  }

  /** Every request comes through here first, whatever its path. */
  #receive(
    request: IncomingMessage,
    response: ServerResponse,
    handle: (request: IncomingMessage, response: ServerResponse) => void,
  ): void {
    try {
      response.setHeader('x-content-type-options', 'nosniff')
      this.#door.admit(request)
      if (this.#state === 'starting' && !early.has(request.url ?? '')) throw new OpenPactError('NOT_READY')
      if (this.#state === 'closing') throw new OpenPactError('CLOSING')
    } catch (error) {
      // An EventSource gives up for good on any answer but a stream, and comes again after a broken connection.
      if (isOpenPactError(error) && passing.has(error.code) && request.headers.accept === 'text/event-stream') {
        request.socket.destroy()
        return
      }
      const headers = this.#state === 'closing' ? { connection: 'close' } : undefined
      sendProblem(response, requestError(error, this.#ctx.config.body_limit), headers)
      return
    }
    handle(request, response)
  }

  #prepare(bodyLimit: number): void {
    const app = this.server
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
      try {
        done(null, readJson(body as Buffer))
      } catch (error) {
        done(error as Error)
      }
    })
    app.setNotFoundHandler((request, reply) => {
      throw this.#table.miss(request.method, request.raw.url ?? reply.request.url)
    })
    app.setErrorHandler((error, request, reply) => {
      // A body that nobody reads is not what is wrong with a path that does not exist.
      const missed = request.is404 && !isOpenPactError(error)
      const limit = request.routeOptions.bodyLimit ?? bodyLimit
      const answered = missed ? this.#table.miss(request.method, request.raw.url ?? '') : requestError(error, limit)
      if (!isOpenPactError(error) && answered.kind === 'internal') this.#ctx.log.error('a request failed', { error })
      // Nobody who is still sending hears the answer of a closed connection: what is left is read and dropped, for as long as
      // `requestTimeout` allows.
      if (answered.code === 'BODY_TOO_LARGE') {
        reply.removeHeader('connection')
        request.raw.resume()
      }
      return reply
        .code(statusOf(answered))
        .headers(problemHeaders(answered))
        .send(JSON.stringify(problemOf(answered)))
    })
  }

  #serve(operations: Operations): Route[] {
    const faults: string[] = []
    const add = (method: string, path: string, head: boolean, owner: string, serve: () => void) => {
      const first = this.#table.add({ method, path, owner })
      if (head) this.#table.add({ method: 'HEAD', path, owner })
      if (first) faults.push(`- ${owner}: ${method} ${path} belongs to ${first} already`)
      else {
        try {
          serve()
        } catch (error) {
          faults.push(`- ${owner}: ${method} ${path}: ${(error as Error).message}`)
        }
      }
    }
    for (const operation of operations.list()) {
      const { method, path } = httpShape(operation)
      const serving = { operations, door: this.#door, lifetimes: this.#lifetimes }
      add(method, path, method === 'GET', `operation ${operation.name}`, () =>
        serveOperation(this.server, operation, serving),
      )
    }
    const routes = this.#ctx.contributions(routePoint)
    for (const { plugin, value } of routes) {
      const parts = { ctx: this.#ctx, door: this.#door, lifetimes: this.#lifetimes }
      add(value.method, value.path, value.head === true, `plugin ${plugin}`, () =>
        serveRoute(this.server, plugin, value, parts),
      )
    }
    if (faults.length > 0) throw new OpenPactError('ROUTES_INVALID', { reason: faults.join('\n') })
    return routes.map(({ value }) => value)
  }
}
