/** What requests are answered: bodies, paths, methods, errors, pages, tags. Over real sockets. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Local, openLocal, type Received, type Sent } from '../../test/support/local-door.ts'
import { happened, held, toys } from '../../test/support/toys.ts'

let local: Local
const base = '/v1/pacts/test'

beforeAll(async () => {
  local = await openLocal([toys])
})
afterAll(() => local.dispose())

const post = (body: unknown, more: Partial<Sent> = {}) =>
  local.send({ method: 'POST', path: `${base}/toys`, body, ...more })

function fails(answer: Received, status: number, error: string, words: string | RegExp = ''): void {
  expect([answer.status, answer.json.error], answer.text).toEqual([status, error])
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(answer.json).toMatchObject({ status, type: `urn:openpact:error:${error}`, detail: answer.json.message })
  expect(answer.json.title).toEqual(expect.any(String))
  expect(`${answer.json.message} ${answer.json.help}`).toMatch(words)
  expect(answer.text).not.toMatch(/\/home|\/work|\/tmp|node_modules|\.ts:|at \w+ \(/)
}

describe('writing', () => {
  it('answers 201 with the entry', async () => {
    const answer = await post({ name: 'train', colour: 'red' })
    expect(answer.status).toBe(201)
    expect(answer.json).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/) })
    const record = await local.kernel.pact.record(answer.json.position as number)
    expect(JSON.parse(String(record?.entry?.payload))).toEqual({ name: 'train', colour: 'red' })
  })

  it('answers 64 at once with 64 right ids', async () => {
    const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => post({ name: `toy ${i}` })))
    for (const [i, { json }] of answers.entries()) {
      const record = await local.kernel.pact.record(json.position as number)
      expect([record?.id, JSON.parse(String(record?.entry?.payload))]).toEqual([json.id, { name: `toy ${i}` }])
    }
  })

  it('takes no body for an empty one', async () => {
    const path = `${base}/toys/a/paint`
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      expect((await local.send({ method: 'PUT', path, headers })).json).toEqual({ id: 'a', colour: 'red' })
    }
  })

  it('answers 202 while it is not settled', async () => {
    expect((await local.send({ method: 'POST', path: '/v1/later', body: {} })).status).toBe(202)
  })
})

describe('bad bodies', () => {
  it('too large', async () => {
    fails(await post({ name: 'x', parts: 'y'.repeat(131_072) }), 413, 'BODY_TOO_LARGE', /131072/)
  })

  it('far too large: who is still sending hears the answer', async () => {
    for (const name of ['y'.repeat(8_000_000), 'z'.repeat(1_500_000)])
      fails(await post({ name }), 413, 'BODY_TOO_LARGE', /131072/)
    expect((await post({ name: 'after' })).status).toBe(201)
  })

  it('too deep', async () => {
    fails(
      await post(`{"name":"x","parts":${'['.repeat(40)}${']'.repeat(40)}}`),
      400,
      'BODY_MALFORMED',
      /deeper than 32/,
    )
    fails(await post('['.repeat(65_000)), 400, 'BODY_MALFORMED')
  })

  it('not JSON, not an object, not UTF-8', async () => {
    for (const body of ['{', 'name=x', '{"name":"x"', '{"a":1}{"b":2}']) fails(await post(body), 400, 'BODY_MALFORMED')
    for (const body of ['[]', '"text"', '7', 'null']) fails(await post(body), 400, 'INVALID_INPUT', /object/)
    fails(await post(Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x7d])), 400, 'BODY_MALFORMED', /UTF-8/)
  })

  it('of another type', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'json']) {
      fails(await post({ name: 'x' }, { headers: { 'content-type': type } }), 415, 'CONTENT_TYPE_UNSUPPORTED')
    }
    expect((await post({ name: 'x' }, { headers: { 'content-type': 'application/json; charset=utf-8' } })).status).toBe(
      201,
    )
  })

  it('that reach for a prototype', async () => {
    fails(await post('{"__proto__":{"admin":true},"name":"x"}'), 400, 'BODY_MALFORMED', /__proto__/)
    fails(await post('{"name":"x","parts":{"constructor":{"prototype":{}}}}'), 400, 'BODY_MALFORMED')
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    fails(await post('{"name":"x","toString":1}'), 400, 'INVALID_INPUT', /"toString" is not a known field/)
  })

  it('with wrong or unknown fields', async () => {
    fails(await post({}), 400, 'INVALID_INPUT', /"name" is missing; wanted is a text of 1 to 80 characters/)
    fails(await post({ name: 7 }), 400, 'INVALID_INPUT', /"name" should be a text/)
    fails(await post({ name: 'x', color: 'red' }), 400, 'INVALID_INPUT', /Did you mean "colour"/)
    fails(await post({ name: 'x', colour: 'green' }), 400, 'INVALID_INPUT', /one of "red", "blue"/)
    const path = `${base}/toys/a/paint`
    fails(await local.send({ method: 'PUT', path, body: { id: 'b' } }), 400, 'INVALID_INPUT', /in the path already/)
    fails(await local.send({ method: 'PUT', path: `${path}?colour=red` }), 400, 'INVALID_INPUT', /in the body/)
  })

  it('whose length is a lie are cut off', async () => {
    const socket = connect(local.port, '127.0.0.1')
    socket.write(`POST ${base}/toys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${local.token}\r\n`)
    socket.end('Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name":"x"}')
    let text = ''
    for await (const part of socket) text += part
    expect(text).not.toMatch(/^HTTP\/1\.1 20/)
  })
})

describe('paths', () => {
  it('with control characters or broken escapes', async () => {
    for (const id of ['%00', 'a%00b', '%0a', '%1b[31m', '%7f', '%c2%85']) {
      fails(await local.send({ path: `${base}/toys/${id}` }), 400, 'INVALID_INPUT', /control character/)
    }
    fails(await local.send({ path: '/v1/pacts/te%00st/toys/a' }), 400, 'INVALID_INPUT', /control character/)
    for (const path of [`${base}/toys/%zz`, `${base}/toys/%`, '/v1/pacts/%ff/toys']) {
      fails(await local.send({ path }), 400, 'REQUEST_MALFORMED')
    }
    fails(await local.send({ path: `${base}/toys/${'x'.repeat(2000)}` }), 400, 'REQUEST_MALFORMED', /too long/)
  })

  it('that step upwards stay text', async () => {
    expect((await local.send({ path: `${base}/toys/..%2f..%2fetc%2fpasswd` })).json.id).toBe('../../etc/passwd')
  })

  it('to nowhere name near routes', async () => {
    fails(await local.send({ path: `${base}/toy` }), 404, 'ROUTE_UNKNOWN', /Did you mean \/v1\/pacts\/:pactId\/toys/)
    fails(
      await local.send({ method: 'POST', path: `${base}/toy`, body: 'x', headers: { 'content-type': 'text/plain' } }),
      404,
      'ROUTE_UNKNOWN',
    )
    fails(await local.send({ path: '/v1/pnig' }), 404, 'ROUTE_UNKNOWN', /\/v1\/ping/)
    fails(await local.send({ path: '/' }), 404, 'ROUTE_UNKNOWN')
    fails(await local.send({ path: `/${'a/'.repeat(3000)}` }), 404, 'ROUTE_UNKNOWN')
    fails(await local.send({ path: '/v1/__proto__' }), 404, 'ROUTE_UNKNOWN')
  })

  it('with the wrong method say which are right', async () => {
    const answer = await local.send({ method: 'PATCH', path: `${base}/toys/a` })
    fails(answer, 405, 'METHOD_NOT_ALLOWED')
    expect(answer.headers.allow).toBe('DELETE, GET, HEAD')
    expect((await local.send({ method: 'DELETE', path: '/v1/ping' })).headers.allow).toBe('GET, HEAD')
    fails(await local.send({ method: 'PROPFIND', path: `${base}/toys` }), 405, 'METHOD_NOT_ALLOWED', /GET, HEAD, POST/)
  })

  it('answer HEAD where they answer GET, streams excepted', async () => {
    expect((await local.send({ method: 'HEAD', path: '/v1/ping' })).status).toBe(200)
    const stream = await local.send({ method: 'HEAD', path: '/v1/toys/stream' })
    expect([stream.status, stream.headers.allow]).toEqual([405, 'GET'])
  })

  it('to an unknown pact name near ones', async () => {
    fails(await local.send({ path: '/v1/pacts/tset/toys/a' }), 404, 'PACT_UNKNOWN', /Did you mean "test"/)
    fails(await local.send({ path: `/v1/pacts/${'0'.repeat(64)}/toys/a` }), 404, 'PACT_UNKNOWN')
    expect((await local.send({ path: `/v1/pacts/${local.kernel.pact.id}/toys/a` })).status).toBe(200)
  })
})

describe('queries', () => {
  it('are read as the types they should be', async () => {
    expect((await local.send({ path: `${base}/toys/a?loud=true` })).json).toEqual({ id: 'a', loud: true })
    fails(await local.send({ path: `${base}/toys/a?loud=maybe` }), 400, 'INVALID_INPUT', /true or false/)
    fails(await local.send({ path: `${base}/toys?limit=0` }), 400, 'INVALID_INPUT', /from 1 to 1000/)
    for (const odd of ['Infinity', '1e400', '0x10', '1e1', '%205', ''])
      fails(await local.send({ path: `${base}/toys?limit=${odd}` }), 400, 'INVALID_INPUT', /in decimal digits/)
    fails(await local.send({ path: `${base}/toys?limit=${'9'.repeat(400)}` }), 400, 'INVALID_INPUT', /finite/)
    fails(await local.send({ path: `${base}/toys?limit=1&limit=2` }), 400, 'INVALID_INPUT')
    fails(await local.send({ path: `${base}/toys?lmit=1` }), 400, 'INVALID_INPUT', /Did you mean "limit"/)
    fails(await local.send({ path: `${base}/toys?__proto__=1` }), 400, 'INVALID_INPUT')
    fails(await local.send({ method: 'DELETE', path: `${base}/toys/a`, body: { id: 'b' } }), 400, 'INVALID_INPUT')
  })

  it('of a list are carried on to the next page', async () => {
    const seen: unknown[] = []
    let path = `${base}/toys?limit=2&topic=a%26b`
    for (;;) {
      const answer = await local.send({ path })
      seen.push(...(answer.json.entries as unknown[]))
      const next = /^<(.+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))
      expect(next !== null).toBe(answer.json.has_more)
      if (!next) break
      path = next[1]!
      expect(path).toContain('topic=a%26b')
    }
    expect(seen).toEqual([0, 1, 2, 3, 4])
  })
})

describe('tags', () => {
  it('save sending what the client has', async () => {
    const path = `${base}/toys/a`
    const first = await local.send({ path })
    const etag = String(first.headers.etag)
    expect(etag).toMatch(/^W\/"[\w-]+"$/)
    for (const known of [etag, `"x", ${etag}`, '*', etag.slice(2)]) {
      const again = await local.send({ path, headers: { 'if-none-match': known } })
      expect([again.status, again.text, again.headers.etag]).toEqual([304, '', etag])
    }
    expect((await local.send({ path, headers: { 'if-none-match': 'W/"other"' } })).status).toBe(200)
    expect((await local.send({ path: `${base}/toys/b` })).headers.etag).not.toBe(etag)
    expect((await local.send({ path: `${base}/toys` })).headers.etag).toBeUndefined()
  })

  it('come with HEAD, without a body', async () => {
    const answer = await local.send({ method: 'HEAD', path: `${base}/toys/a` })
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(answer.headers.etag).toBeDefined()
  })
})

describe('failures', () => {
  it('without a code become INTERNAL and say nothing of this machine', async () => {
    fails(await local.send({ path: `${base}/crash` }), 500, 'INTERNAL')
    fails(await local.send({ path: '/v1/wrong' }), 500, 'OUTPUT_INVALID', /"number" should be an integer/)
  })

  it('with a code keep it', async () => {
    fails(await local.send({ method: 'DELETE', path: `${base}/toys/0badcafe-9` }), 404, 'ENTRY_UNKNOWN', /0badcafe-9/)
  })

  it('in the middle of an answer end the connection', async () => {
    await expect(local.send({ method: 'POST', path: '/v1/toys/broken', body: {} })).rejects.toThrow()
    expect((await local.send({ path: '/v1/ping' })).status).toBe(200)
  })

  it('of the protocol itself are answered, never with a crash', async () => {
    for (const garbage of [
      'GET / HTTP/9\r\n\r\n',
      '\u0000\u0001\u0002\r\n\r\n',
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const socket = connect(local.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(garbage)
      let text = ''
      for await (const part of socket) text += part
      expect(text).toMatch(/^HTTP\/1\.1 4\d\d [\s\S]*REQUEST_MALFORMED/)
    }
    expect((await local.send({ path: '/v1/ping' })).status).toBe(200)
  })
})

describe('clients that go away', () => {
  it('abort what was done for them', async () => {
    for (const path of [`${base}/holding`, '/v1/toys/stream']) {
      happened.length = 0
      const abort = new AbortController()
      const answer = local.send({ path, signal: abort.signal }).catch((error: Error) => error)
      await expect.poll(() => happened).toEqual(['held'])
      abort.abort()
      await answer
      await expect.poll(() => happened.at(-1)).toMatch(/aborted|stream ended/)
    }
  })
})

describe('stopping', () => {
  it('ends streams and reads, and lets a write finish', async () => {
    happened.length = 0
    const other = await openLocal([toys])
    const read = other.send({ path: `${base}/holding` }).catch((error: Error) => error)
    await expect.poll(() => happened).toEqual(['held'])
    const write = other.send({ method: 'POST', path: `${base}/holding`, body: { name: 'x' } })
    await expect.poll(() => happened).toEqual(['held', 'held'])
    const stopped = other.kernel.close()
    await expect.poll(() => happened).toContain('aborted')
    held.release()
    expect((await write).json).toEqual({ held: true })
    expect(await read).toMatchObject({ status: 503 })
    await stopped
    await other.dispose()
  })
})
