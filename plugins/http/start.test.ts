/** Starting: what is answered before everything is open, and what is wrong with routes is said at once. */
import { expect, it } from 'vitest'
import { definePlugin } from '../../kernel/index.ts'
import { openLocal } from '../../test/support/local-door.ts'
import { toys } from '../../test/support/toys.ts'
import { http, route } from './route.ts'

it('answers ping at once, and everything else when all is open', async () => {
  const seen: Record<string, unknown[]> = {}
  const early = definePlugin({
    name: 'early',
    version: '0.0.0',
    api: 1,
    summary: 'Calls the daemon while it starts',
    requires: [http],
    async setup(ctx) {
      const stream = fetch(`${ctx.use(http).url}/v1/events`, { headers: { accept: 'text/event-stream' } })
      seen.stream = [
        await stream.then(
          ({ status }) => status,
          () => 'broken off',
        ),
      ]
      for (const path of ['/v1/ping', '/v1/healthz', '/v1/readyz', '/v1/free', '/v1/nothing']) {
        const answer = await fetch(ctx.use(http).url + path)
        const { error } = (await answer.json()) as { error?: string }
        seen[path] = [answer.status, error, answer.headers.get('retry-after')]
      }
    },
  })
  const local = await openLocal([toys, early])
  try {
    const waiting = [503, 'NOT_READY', '1']
    expect(seen).toEqual({
      stream: ['broken off'],
      '/v1/ping': [200, undefined, null],
      '/v1/healthz': [200, undefined, null],
      '/v1/readyz': waiting,
      '/v1/free': waiting,
      '/v1/nothing': waiting,
    })
    expect((await local.send({ path: '/v1/readyz', token: null })).json).toEqual({ status: 'ready' })
    expect((await local.send({ path: '/v1/ping', token: null })).json).toMatchObject({ status: 'ok', name: 'openpact' })
    expect((await local.send({ path: '/v1/free', token: null })).json).toEqual({ agent: '' })
  } finally {
    await local.dispose()
  }
})

it('names both owners of one path', async () => {
  const twin = definePlugin({
    name: 'twin',
    version: '0.0.0',
    api: 1,
    summary: 'Wants paths that are taken',
    contributes: [
      route({ method: 'GET', path: '/v1/pacts/:pact/toys/:toy', access: 'open', summary: 'Taken', handle: () => ({}) }),
      route({ method: 'GET', path: 'no-slash', access: 'open', summary: 'No path', handle: () => ({}) }),
    ],
  })
  await expect(openLocal([toys, twin])).rejects.toMatchObject({
    code: 'ROUTES_INVALID',
    message: expect.stringMatching(
      /plugin twin: GET \/v1\/pacts\/:pact\/toys\/:toy belongs to operation toys\.get already\n.*no-slash/,
    ),
  })
})
