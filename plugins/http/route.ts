/** Routes that are not operations (SSE, well-known files, a dashboard): raw Fastify handlers behind the same checks. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { contribute, extensionPoint, type PluginContext, serviceRef } from '../../kernel/index.ts'
import type { Access, Caller } from '../operations/operation.ts'

/** What a route may use: any service of a running plugin, the kernel, the log. */
export type RouteContext = Pick<PluginContext, 'plugin' | 'log' | 'kernel' | 'signal' | 'use'>

export interface RouteCall {
  request: FastifyRequest
  reply: FastifyReply
  /** Null only on `open` routes called without a token. */
  caller: Caller | null
  ctx: RouteContext
  /** Aborted when the client goes away or the daemon stops. */
  signal: AbortSignal
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Absolute path, e.g. `/v1/events`. */
  path: string
  access: Access
  summary: string
  /** It leads to operations, each of which is judged by itself: a token need not name the route as well. */
  leads?: true
  /** Answers HEAD as well. Not for streams: they would run. */
  head?: boolean
  /** What it answers is sent as JSON, unless it used `reply`. It has to keep to `caller.pacts` itself. */
  handle(call: RouteCall): unknown
}

export const routePoint = extensionPoint<Route>('http.route', r => `${r.method} ${r.path}`)

export function route(definition: Route) {
  return contribute(routePoint, definition)
}

export interface Http {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly server: FastifyInstance
  /** All contributed routes. */
  readonly routes: readonly Route[]
}

export const http = serviceRef<Http>('http', 1)
