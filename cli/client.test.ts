import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Client, type Connection, pathPart, readEvent } from './client.ts'
import { asFailure } from './errors.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function clientOf(listener: RequestListener, more: Partial<Connection> = {}): Promise<Client> {
  const server = createServer(listener)
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return new Client({ url: `http://127.0.0.1:${port}`, token: 'secret', log: 'daemon.log', ...more })
}

describe('client', () => {
  it('sends token, query and body, and answers status and JSON', async () => {
    const client = await clientOf((request, response) => {
      response.statusCode = 202
      const { method, url, headers } = request
      response.end(JSON.stringify({ method, url, token: headers.authorization, type: headers['content-type'] }))
    })
    const { status, body } = await client.request('PUT', '/v1/x', {
      query: { topic: ['a b', 'c'], none: undefined },
      body: {},
    })
    expect(status).toBe(202)
    expect(body).toEqual({
      method: 'PUT',
      url: '/v1/x?topic=a+b&topic=c',
      token: 'Bearer secret',
      type: 'application/json',
    })
  })

  it('turns a problem into its code, words and help', async () => {
    const client = await clientOf((_request, response) => {
      response.statusCode = 409
      response.end(JSON.stringify({ error: 'TASK_NOT_OPEN', message: 'The task is claimed.', help: 'Take another.' }))
    })
    const failure = asFailure(await client.get('/v1/x').catch((error: unknown) => error))
    expect(failure).toEqual({
      code: 'TASK_NOT_OPEN',
      kind: 'conflict',
      message: 'The task is claimed.',
      help: 'Take another.',
    })
  })

  it('tells a daemon that hangs from one that was told to wait', async () => {
    let silent = 0
    const watched = { probe: 100, onsilence: () => void silent++ }
    const halted = await clientOf(() => {}, watched)
    await expect(halted.get('/v1/x')).rejects.toMatchObject({ code: 'DAEMON_HANGS' })
    expect(silent).toBe(1)
    const waiting = await clientOf((request, response) => {
      if (request.url === '/v1/ping') response.end('{}')
      else setTimeout(() => response.end('{"done":true}'), 1900)
    }, watched)
    expect((await waiting.get('/v1/x')).body).toEqual({ done: true })
  })

  it('has a coded error when nobody listens or the answer breaks off', async () => {
    const gone = new Client({ url: 'http://127.0.0.1:1', token: null, log: 'daemon.log' })
    expect(asFailure(await gone.get('/v1/x').catch((error: unknown) => error)).code).toBe('DAEMON_UNREACHABLE')
    const guessed = new Client({ url: 'http://127.0.0.1:1', token: null, log: 'daemon.log', known: false })
    expect(asFailure(await guessed.get('/v1/x').catch((error: unknown) => error))).toMatchObject({
      code: 'DAEMON_DOWN',
      message: 'No daemon is running on http://127.0.0.1:1.',
    })
    const broken = await clientOf((_request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"half":')
      response.destroy()
    })
    expect(asFailure(await broken.get('/v1/x').catch((error: unknown) => error)).code).toBe('DAEMON_UNREACHABLE')
  })

  it('reads events across chunks and skips keep-alives', async () => {
    const client = await clientOf((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`: hello\n\nid: 7\nevent: entry-app`)
      response.end(`lied\ndata: {"from":"${request.headers['last-event-id']}"}\n\n`)
    })
    const events = []
    for await (const event of client.events('/v1/events', { lastEventId: '6' })) events.push(event)
    expect(events).toEqual([{ id: '7', event: 'entry-applied', data: '{"from":"6"}' }])
  })
})

it('refuses names that would change the path of a request', () => {
  expect(pathPart('a/b c')).toBe('a%2Fb%20c')
  for (const name of ['', '.', '..']) expect(() => pathPart(name)).toThrow(/names nothing/)
})

describe('event blocks', () => {
  it('joins data lines and ignores comments', () => {
    expect(readEvent('data: a\ndata: b')).toEqual({ id: '', event: 'message', data: 'a\nb' })
    expect(readEvent(': ping')).toBeNull()
    expect(readEvent('retry: 1000')).toBeNull()
  })
})
