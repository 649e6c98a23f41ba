/** Who is let in: Host, Origin, token, scope, rate. On every route, the unknown ones included. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import { toys } from '../../test/support/toys.ts'
import { access } from '../access/service.ts'

let local: Local

// Many tests come without a token on purpose; the hard limit has a server of its own below.
beforeAll(async () => {
  local = await openLocal([toys], { limits: { stranger: { burst: 10_000, rate: 10_000 } } })
})
afterAll(() => local.dispose())

const routes = ['/v1/ping', '/v1/pacts/test/toys/1', '/v1/openapi.json', '/v1/nothing/here', '/v1/pacts/%zz/toys', '/']

describe('Host', () => {
  it.each(routes)('is checked on %s', async path => {
    for (const host of [
      'evil.example',
      `evil.example:${local.port}`,
      '127.0.0.1:1',
      '127.0.0.1.evil.example',
      '192.168.0.1',
    ]) {
      const answer = await local.send({ path, headers: { host } })
      expect([answer.status, answer.json.error], `${path} ${host}`).toEqual([403, 'HOST_REFUSED'])
      expect(answer.headers['content-type']).toContain('application/problem+json')
    }
  })

  it('may be any name of the loopback address, with or without the port', async () => {
    for (const name of ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST']) {
      for (const host of [name, `${name}:${local.port}`]) {
        expect((await local.send({ path: '/v1/ping', headers: { host } })).status).toBe(200)
      }
    }
  })

  it('is needed', async () => {
    for (const head of [
      'GET /v1/ping HTTP/1.0',
      'GET /v1/ping HTTP/1.1\r\nConnection: close',
      'GET /v1/ping HTTP/1.0\r\nHost:',
      'GET http://localhost/v1/ping HTTP/1.0',
    ]) {
      const socket = connect(local.port, '127.0.0.1')
      socket.end(`${head}\r\n\r\n`)
      let text = ''
      for await (const part of socket) text += part
      expect(text).toMatch(/^HTTP\/1\.1 403 [\s\S]*HOST_REFUSED/)
    }
  })
})

describe('Origin', () => {
  it.each(routes)('is checked on %s', async path => {
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1', `https://127.0.0.1:${local.port}`, '']) {
      const answer = await local.send({ path, headers: { origin } })
      expect([answer.status, answer.json.error], `${path} ${origin}`).toEqual([403, 'ORIGIN_REFUSED'])
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  it('may be our own', async () => {
    for (const origin of [local.url, `http://localhost:${local.port}`]) {
      expect((await local.send({ path: '/v1/ping', headers: { origin } })).status).toBe(200)
    }
  })

  it('of a preflight is refused too', async () => {
    const headers = { origin: 'http://evil.example', 'access-control-request-method': 'POST' }
    expect((await local.send({ method: 'OPTIONS', path: '/v1/pacts/test/toys', headers })).status).toBe(403)
  })
})

describe('token', () => {
  it('is needed for all but open routes', async () => {
    for (const path of ['/v1/ping', '/v1/healthz', '/v1/readyz', '/v1/free']) {
      expect((await local.send({ path, token: null })).status, path).toBe(200)
    }
    for (const path of [
      '/v1/pacts/test/toys/1',
      '/v1/openapi.json',
      '/v1/operations',
      '/v1/tokens',
      '/v1/toys/stream',
    ]) {
      const answer = await local.send({ path, token: null })
      expect([answer.status, answer.json.error], path).toEqual([401, 'UNAUTHENTICATED'])
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
    }
  })

  it('is asked for before the body is looked at', async () => {
    const sent = { method: 'POST', path: '/v1/pacts/test/toys', body: '{', headers: { 'content-type': 'text/plain' } }
    expect((await local.send({ ...sent, token: null })).status).toBe(401)
    expect((await local.send(sent)).status).toBe(415)
  })

  it('must be the right one, in the right place', async () => {
    const path = '/v1/pacts/test/toys/1'
    const wrong = [
      `Bearer ${local.token}x`,
      `Bearer ${local.token.slice(0, -1)}`,
      'Bearer ',
      local.token,
      `Basic ${local.token}`,
    ]
    for (const authorization of [...wrong, `Bearer ${'x'.repeat(8000)}`]) {
      const answer = await local.send({ path, token: null, headers: { authorization } })
      expect([answer.status, answer.json.error], authorization.slice(0, 40)).toEqual([401, 'UNAUTHENTICATED'])
    }
    const answer = await local.send({ path: `${path}?token=${local.token}`, token: null })
    expect(answer.status).toBe(401)
    expect((await local.send({ path, token: null, headers: { authorization: `bearer ${local.token}` } })).status).toBe(
      200,
    )
  })

  it('of another pact, operation or level is refused, and learns of no other pact', async () => {
    const tokens = local.kernel.use(access)
    const { name: agent } = local.kernel.identity.defaultAgent
    const { id } = local.kernel.pact
    const use = async (limits: object, method: string, path: string, body?: object) => {
      const { token } = await tokens.issue({ agent, ...limits })
      const { status, json } = await local.send({ method, path, token, body })
      return [status, json.error]
    }
    const foreign = { pacts: ['ab'.repeat(32)] }
    const refused = [403, 'OUT_OF_SCOPE']
    expect(await use(foreign, 'GET', '/v1/pacts/test/toys/1')).toEqual(refused)
    expect(await use(foreign, 'GET', `/v1/pacts/${id}/toys/1`)).toEqual(refused)
    expect(await use(foreign, 'GET', '/v1/pacts/no-such-pact/toys/1')).toEqual(refused)
    expect(await use({ pacts: [id] }, 'GET', '/v1/pacts/test/toys/1')).toEqual([200, undefined])
    expect(await use({ pacts: [id] }, 'POST', '/v1/tokens', {})).toEqual(refused)
    expect(await use({ operations: ['toys.list'] }, 'GET', '/v1/pacts/test/toys')).toEqual([200, undefined])
    expect(await use({ operations: ['toys.list'] }, 'GET', '/v1/pacts/test/toys/1')).toEqual(refused)
    expect(await use({ operations: ['toys.*'] }, 'GET', '/v1/openapi.json')).toEqual(refused)
    expect(await use({ access: 'read' }, 'PUT', '/v1/pacts/test/toys/1/paint')).toEqual(refused)
    expect(await use({ access: 'write' }, 'PUT', '/v1/pacts/test/toys/1/paint')).toEqual([200, undefined])
  })
})

describe('rate', () => {
  it('does not throttle a token at 10 000 fast requests', async () => {
    let refused = 0
    let left = 10_000
    const one = async () => {
      while (left-- > 0) if ((await local.send({ path: '/v1/ping' })).status !== 200) refused++
    }
    await Promise.all(Array.from({ length: 32 }, one))
    expect(refused).toBe(0)
  })

  it('is hard for callers without a valid token, per address', async () => {
    const hard = await openLocal([toys])
    try {
      const statuses: number[] = []
      const token = randomBytes(32).toString('hex')
      for (let i = 0; i < 40; i++) statuses.push((await hard.send({ path: '/v1/ping', token })).status)
      const passed = statuses.filter(status => status === 200).length
      expect(passed).toBeGreaterThanOrEqual(20)
      expect(passed).toBeLessThan(40)
      const answer = await hard.send({ path: '/v1/nothing', token: null })
      expect([answer.status, answer.json.error]).toEqual([429, 'RATE_LIMITED'])
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
      expect((await hard.send({ path: '/v1/ping' })).status).toBe(200)
      expect((await hard.send({ path: '/v1/ping', token: null, from: '127.0.0.9' })).status).toBe(200)
    } finally {
      await hard.dispose()
    }
  })
})

describe('port', () => {
  it('that is taken is named, with the way out', async () => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    try {
      await expect(openLocal([toys], { port })).rejects.toMatchObject({
        code: 'PORT_TAKEN',
        message: expect.stringContaining(String(port)),
        help: expect.stringContaining('--port'),
      })
    } finally {
      other.close()
    }
  })

  it('is open on the loopback address only', () => {
    expect(local.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })
})
