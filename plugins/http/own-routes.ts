/** The routes of the http plugin itself: is the daemon there, is it ready, what does it offer. */
import { operations } from '../operations/service.ts'
import { openApi } from './openapi.ts'
import { http, route } from './route.ts'

export const ping = route({
  method: 'GET',
  path: '/v1/ping',
  access: 'open',
  head: true,
  summary: 'Answers as soon as the daemon listens',
  handle: ({ ctx }) => ({ status: 'ok', name: 'openpact', version: ctx.kernel.version }),
})

export const healthz = route({
  method: 'GET',
  path: '/v1/healthz',
  access: 'open',
  head: true,
  summary: 'The process is alive',
  handle: () => ({ status: 'ok' }),
})

export const readyz = route({
  method: 'GET',
  path: '/v1/readyz',
  access: 'open',
  head: true,
  summary: 'Every plugin is set up and every pact is open; 503 before that and while stopping',
  handle: () => ({ status: 'ready' }),
})

export const openapi = route({
  method: 'GET',
  path: '/v1/openapi.json',
  access: 'read',
  head: true,
  summary: 'This document: every operation and route as OpenAPI 3.1',
  handle: ({ ctx }) => {
    const { url, routes } = ctx.use(http)
    return openApi({ version: ctx.kernel.version, url, operations: ctx.use(operations), routes })
  },
})
