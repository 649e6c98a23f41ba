import type { LookupAddress } from 'node:dns'
import { createServer, type Server } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Receiver, startReceiver } from '../../test/support/receiver.ts'
import { parseNetwork, type Reach, reachOf, refusal } from './addresses.ts'
import { checkCallback, parseCallback, type Resolve } from './callback.ts'
import { Poster } from './post.ts'
import { delayAfter, retryAfter, SCHEDULE } from './schedule.ts'
import { newSecret, sign } from './signature.ts'

describe('an address', () => {
  const cases: Record<Reach, string[]> = {
    public: ['93.184.216.34', '1.1.1.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808', '2002:808:808::1'],
    loopback: ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fd12::1', '::ffff:10.0.0.1'],
    never: [
      ...['169.254.169.254', '169.254.0.1', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', 'fe80::1', 'fe80::1%eth0'],
      ...['fd00:ec2::254', '100.100.100.200', '192.0.0.192', '168.63.129.16', '::ffff:100.100.100.200'],
      ...['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0', '255.255.255.255', '224.0.0.1', '239.1.1.1', 'ff02::1'],
      ...['240.0.0.1', '192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1', '100::1', 'fec0::1'],
      // Tunnels and translators into what is not public.
      ...['64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::a00:1', '64:ff9b:1::808:808', '2002:7f00:1::1'],
      ...['2002:a9fe:a9fe::1', '2002:c0a8:101::1', '2001::1', '::127.0.0.1', '::ffff:0:127.0.0.1', '4000::1'],
      ...['', 'localhost', 'nonsense', '1.2.3', '127.0.0.1.'],
    ],
  }
  test.each(Object.entries(cases))('is %s', (reach, addresses) => {
    expect(addresses.map(address => [address, reachOf(address)])).toEqual(addresses.map(address => [address, reach]))
  })

  test('of this machine is for tokens without limits, of a private network for the allow-list, link-local for nobody', () => {
    const allow = ['10.0.0.0/8', '192.168.1.5', 'fd00::/8', '169.254.0.0/16', '100.64.0.0/10'].map(parseNetwork)
    const permitted = (address: string, loopback = false) => refusal(address, { loopback, allow }) === null
    expect(['127.0.0.1', '::1', '::ffff:127.0.0.1'].map(address => permitted(address))).toEqual([false, false, false])
    expect(['127.0.0.1', '::1', '::ffff:127.0.0.1'].map(address => permitted(address, true))).toEqual([
      true,
      true,
      true,
    ])
    const inside = ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.5', 'fd12::1', '100.64.1.1']
    expect(inside.filter(address => !permitted(address))).toEqual([])
    const outside = ['192.168.1.6', '172.16.0.1', '169.254.169.254', '100.100.100.200', 'fd00:ec2::254', 'fe80::1']
    expect(outside.filter(address => permitted(address, true))).toEqual([])
    expect(() => parseNetwork('10.0.0.0/40')).toThrow()
  })
})

describe('a callback', () => {
  const policy = { loopback: false, allow: [] }
  const nothing: Resolve = (_name, done) => done(new Error('ENOTFOUND'), [])

  test.each([
    'ftp://example.org/',
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
    'javascript:alert(1)',
    'http://user@example.org/',
    'http://:secret@example.org/',
    'http://',
    'http://./',
    'example.org/hook',
    'http://[fe80::1%25eth0]/',
  ])('is refused: %s', text => {
    expect(() => parseCallback(text)).toThrow(expect.objectContaining({ code: 'CALLBACK_INVALID' }))
  })

  test.each([
    ...['http://127.0.0.1/', 'http://127.1/', 'http://2130706433/', 'http://0x7f000001/', 'http://0177.0.0.1/'],
    ...['http://127.0.0.1./', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://[64:ff9b::7f00:1]/'],
    ...[
      'http://[2002:7f00:1::]/',
      'http://169.254.169.254/latest/meta-data/',
      'http://2852039166/',
      'https://10.0.0.1/',
    ],
    ...['http://①②⑦.⓪.⓪.①/', 'http://0/', 'http://[::]/', 'http://[fe80::1]/', 'http://192.168.0.1./'],
  ])('in whatever spelling must not lead inside: %s', async text => {
    const refused = checkCallback(parseCallback(text), policy, nothing)
    await expect(refused).rejects.toMatchObject({ code: 'CALLBACK_FORBIDDEN' })
  })

  test('is resolved, and refused when any of its addresses is; a name with a trailing dot is the name', async () => {
    const asked: string[] = []
    const resolve: Resolve = (name, done) => {
      asked.push(name)
      done(null, [
        { address: '93.184.216.34', family: 4 },
        { address: '::ffff:169.254.169.254', family: 6 },
      ])
    }
    const url = parseCallback('http://Metadata.Example.../x#part')
    expect(url.href).toBe('http://metadata.example/x')
    await expect(checkCallback(url, { loopback: true, allow: [] }, resolve)).rejects.toMatchObject({
      code: 'CALLBACK_FORBIDDEN',
    })
    expect(asked).toEqual(['metadata.example'])
    // What cannot be resolved yet is left to the deliveries.
    await checkCallback(parseCallback('http://later.example/'), policy, nothing)
  })
})

describe('an attempt', () => {
  let receiver: Receiver
  const posters: Poster[] = []
  const servers: Server[] = []
  beforeAll(async () => {
    receiver = await startReceiver()
  })
  afterEach(() => {
    for (const poster of posters.splice(0)) poster.close()
    for (const server of servers.splice(0)) server.close()
    receiver.received.length = 0
    receiver.respond = (_received, response) => void response.writeHead(204).end()
  })
  afterAll(() => receiver.close())

  const body = '{"test": 2432232314}'
  function poster(answers: string[][] = [['127.0.0.1']], deadline?: number) {
    const asked: string[] = []
    const resolve: Resolve = (name, done) => {
      asked.push(name)
      const found = answers[Math.min(asked.length, answers.length) - 1]!
      done(
        null,
        found.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
    const made = new Poster({ allow: [], agent: 'openpact/test', deadline, resolve })
    posters.push(made)
    const headers = sign('msg_1', Date.now(), body, [newSecret()])
    const post = (url: string, loopback = true) => made.post(url, loopback, headers, body, new AbortController().signal)
    return { asked, post }
  }

  test('connects to the address that was checked, in one look-up', async () => {
    const { asked, post } = poster([['127.0.0.1'], ['169.254.169.254']])
    expect(await post(`http://hook.example:${receiver.port}/`)).toMatchObject({ status: 204, error: null })
    expect(asked).toEqual(['hook.example'])
    expect(receiver.received[0]?.headers).toMatchObject({
      host: `hook.example:${receiver.port}`,
      'webhook-id': 'msg_1',
    })
  })

  test.each([
    ['now leads inside', [['127.0.0.1']], false],
    ['now leads to metadata', [['169.254.169.254']], true],
    ['leads inside with one of its addresses', [['93.184.216.34', '127.0.0.1']], false],
    ['leads nowhere', [[]], true],
  ])('sends nothing to a name that %s', async (_what, answers, loopback) => {
    const { asked, post } = poster(answers)
    const outcome = await post(`http://rebind.example:${receiver.port}/`, loopback)
    expect(outcome).toMatchObject({ status: null, error: expect.stringMatching(/must not lead|no address/) })
    expect([asked.length, receiver.received.length]).toEqual([1, 0])
  })

  test('sends nothing to an address that is not allowed, nor over a connection that another was allowed', async () => {
    const { post } = poster()
    const url = `http://hook.example:${receiver.port}/`
    expect((await post(url, true)).status).toBe(204)
    expect(await post(url, false)).toMatchObject({ status: null, error: expect.stringContaining('must not lead') })
    expect((await post(`http://127.0.0.1:${receiver.port}/`, false)).error).toContain('must not lead')
    expect(receiver.received).toHaveLength(1)
  })

  test.each([301, 302, 303, 307, 308])('follows no redirect (%i)', async status => {
    const { post } = poster()
    receiver.respond = (_received, response) => void response.writeHead(status, { location: '/elsewhere' }).end()
    expect(await post(receiver.url)).toMatchObject({ status, error: `it answered ${status}` })
    expect(receiver.received).toHaveLength(1)
  })

  test('reads an answer up to a cap, and tells nothing of it', async () => {
    const { post } = poster()
    let sent = 0
    receiver.respond = (_received, response) => {
      response.writeHead(500, { 'retry-after': '120' })
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'secret'))) sent += 65_536
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    const outcome = await post(receiver.url)
    expect(outcome).toEqual({ status: 500, error: 'it answered 500', retryAfter: 120_000, ms: expect.any(Number) })
    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  test.each([
    ['says nothing', () => {}],
    [
      'answers drop by drop',
      (socket: import('node:net').Socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
        const drop = setInterval(() => socket.write('x'), 10)
        socket.once('close', () => clearInterval(drop))
      },
    ],
  ])('has one deadline for a receiver that %s', async (_what, behave) => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => behave(socket))
    })
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { post } = poster([['127.0.0.1']], 150)
    const { port } = server.address() as { port: number }
    const outcome = await post(`http://127.0.0.1:${port}/`)
    expect(outcome).toMatchObject({ status: null, error: 'it did not answer in time' })
    expect(outcome.ms).toBeLessThan(5000)
  })

  test('names what went wrong with the connection', async () => {
    const { post } = poster()
    expect(await post('http://127.0.0.1:1/')).toMatchObject({ status: null, error: 'ECONNREFUSED' })
  })

  test('ends when the receiver switches the connection to something else', async () => {
    receiver.respond = (_received, response) =>
      void response.socket!.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
    const error = 'the connection ended without an answer'
    expect(await poster().post(receiver.url)).toMatchObject({ status: null, error })
  })
})

describe('a signature', () => {
  test('is that of the specification', () => {
    const headers = sign('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, '{"test": 2432232314}', [
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    ])
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  test('fits the old and the new secret while they rotate, and no other', () => {
    const [old, fresh] = [newSecret(), newSecret()]
    const headers = { ...sign('msg_x', Date.now(), '{"a":1}', [fresh, old]) }
    expect(new Webhook(old).verify('{"a":1}', headers)).toEqual({ a: 1 })
    expect(new Webhook(fresh).verify('{"a":1}', headers)).toEqual({ a: 1 })
    expect(() => new Webhook(newSecret()).verify('{"a":1}', headers)).toThrow('matching')
    expect(() => new Webhook(fresh).verify('{"a":2}', headers)).toThrow('matching')
  })
})

test('attempts are spread over three days, later by a little chance, and as a receiver asks', () => {
  expect(SCHEDULE.map((_, tries) => delayAfter(tries, null, SCHEDULE, () => 0))).toEqual(SCHEDULE.map(s => s * 1000))
  expect(delayAfter(2, null, SCHEDULE, () => 1)).toBe(330_000)
  expect(delayAfter(1, 60_000, SCHEDULE, () => 0)).toBe(60_000)
  expect(delayAfter(3, 60_000, SCHEDULE, () => 0)).toBe(1_800_000)
  expect(delayAfter(1, 1e12, SCHEDULE, () => 0)).toBe(86_400_000)
  expect(delayAfter(10, 60_000)).toBeNull()
  const now = Date.UTC(2026, 0, 1)
  expect(
    ['5', 'Thu, 01 Jan 2026 00:01:00 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT', 'soon', undefined].map(h =>
      retryAfter(h, now),
    ),
  ).toEqual([5000, 60_000, null, null, null])
})
