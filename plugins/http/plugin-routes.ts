/** Serves the routes that plugins contribute beside operations, behind the same door and the same authority. */
import type { FastifyInstance } from 'fastify'
import type { PluginContext } from '../../kernel/index.ts'
import { authorise } from '../access/permits.ts'
import type { Door } from './door.ts'
import type { Lifetimes } from './lifetimes.ts'
import type { Route, RouteContext } from './route.ts'

export interface Parts {
  ctx: PluginContext
  door: Door
  lifetimes: Lifetimes
}

export function serveRoute(app: FastifyInstance, plugin: string, route: Route, parts: Parts): void {
  const { door, lifetimes } = parts
  const { kernel, log, signal: disposed } = parts.ctx
  const name = `${route.method} ${route.path}`
  const permitted = { name, access: route.access, plugin } as const
  const ctx: RouteContext = { plugin, kernel, log, signal: disposed, use: ref => kernel.use(ref) }

  app.route({
    method: route.method,
    url: route.path,
    exposeHeadRoute: route.head === true,
    onRequest: door.knock(route.access),
    handler: async (request, reply) => {
      const caller = door.caller(request.raw)
      authorise(route.leads && caller ? { ...caller, operations: null } : caller, permitted)
      const { signal } = lifetimes.begin(reply.raw, route.method === 'GET')
      try {
        return await route.handle({ request, reply, caller, ctx, signal })
      } catch (error) {
        if (!reply.raw.headersSent) throw error
        // A stream has begun: nobody can be told any more, so the connection ends.
        if (!signal.aborted) log.error(`route ${name} of plugin ${plugin} failed`, { error })
        reply.hijack()
        reply.raw.destroy()
        return undefined
      }
    },
  })
}
