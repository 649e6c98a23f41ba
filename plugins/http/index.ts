/** HTTP on this machine's loopback address: every operation and every contributed route. */
import { definePlugin } from '../../kernel/index.ts'
import { access } from '../access/service.ts'
import { operations } from '../operations/service.ts'
import { httpConfig } from './config.ts'
import './errors.ts'
import { healthz, openapi, ping, readyz } from './own-routes.ts'
import { http, routePoint } from './route.ts'
import { HttpServer } from './server.ts'

// What other plugins may import, in the tree and out of it (`openpact/plugins/http`).
export * from './route.ts'

export default definePlugin({
  name: 'http',
  version: '0.1.0',
  api: 1,
  summary: 'Serves operations and routes over HTTP, to this machine only',
  requires: [operations, access],
  provides: [http],
  config: httpConfig,
  points: [routePoint],
  contributes: [ping, healthz, readyz, openapi],
  async setup(ctx) {
    const server = new HttpServer(ctx, ctx.use(access), ctx.use(operations))
    ctx.onClose(() => server.close())
    ctx.tap('kernel.ready', () => server.ready(), { order: 'post' })
    // Pacts are still open: what is being written can be finished.
    ctx.tap('kernel.closing', () => server.close(), { order: 'pre' })
    await server.listen()
    ctx.provide(http, server)
  },
})
