import { setImmediate as nextTurn } from 'node:timers/promises'
import { EventSource } from 'eventsource'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type KernelGroup, kernels, type TestKernel } from '../../test/support/kernels.ts'
import { toys } from '../../test/support/toys.ts'
import access from '../access/index.ts'
import { access as accessRef } from '../access/service.ts'
import http from '../http/index.ts'
import { http as httpRef } from '../http/route.ts'
import operations from '../operations/index.ts'
import { type Answer, operations as operationsRef } from '../operations/service.ts'
import readModel from '../read-model/index.ts'
import store from '../store/index.ts'
import events from './index.ts'
import { events as eventsRef, streams } from './service.ts'

let group: KernelGroup
let kernel: TestKernel

beforeAll(async () => {
  group = await kernels(1, [store, readModel, events, operations, access, { plugin: http, config: { port: 0 } }, toys])
  kernel = group.kernels[0]!
})
afterAll(() => group.dispose())

const toy = (name: string, topic = 'toys') => kernel.pact.append([{ type: 'toy', topic, payload: { name } }])
const url = () => kernel.use(httpRef).url

async function token(pacts: string[] | null = null): Promise<string> {
  return (await kernel.use(accessRef).issue({ agent: kernel.identity.defaultAgent.name, pacts })).token
}

/** A token that `end` revokes. */
async function ending(): Promise<{ bearer: string; end: () => Promise<unknown> }> {
  const tokens = kernel.use(accessRef)
  const { token, info } = await tokens.issue({ agent: kernel.identity.defaultAgent.name })
  return { bearer: token, end: () => tokens.revoke(info.id) }
}

async function get(path: string, bearer: string) {
  const response = await fetch(`${url()}${path}`, { headers: { authorization: `Bearer ${bearer}` } })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

interface Message {
  lastEventId: string
  data: string
}

/** A client as browsers have it. `next` answers the data of the next `entry-applied`. */
function listen(query: string, bearer: string) {
  const queue: Message[] = []
  const waiting: ((message: Message) => void)[] = []
  const source = new EventSource(`${url()}/v1/events${query}`, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${bearer}` } }),
  })
  source.addEventListener('entry-applied', message => {
    const waits = waiting.shift()
    if (waits) waits(message)
    else queue.push(message)
  })
  const next = async () => {
    const message = queue.shift() ?? (await new Promise<Message>(resolve => waiting.push(resolve)))
    return {
      cursor: message.lastEventId,
      ...(JSON.parse(message.data) as { pact: string; seq: number; entry: { payload: unknown } }),
    }
  }
  const open = new Promise(resolve => source.addEventListener('open', resolve))
  return { source, next, open }
}

describe('GET /v1/events', () => {
  test('streams what happens, and resumes after the last event that was seen', async () => {
    const bearer = await token()
    const first = listen('', bearer)
    await first.open
    await toy('one')
    const seen = await first.next()
    expect(seen).toMatchObject({
      pact: kernel.pact.id,
      entry: { type: 'toy', payload: { name: 'one' }, verdict: 'accepted' },
    })
    first.source.close()
    await toy('two')
    await toy('three')
    const second = listen(`?since=${encodeURIComponent(seen.cursor)}`, bearer)
    expect((await second.next()).entry.payload).toEqual({ name: 'two' })
    expect((await second.next()).entry.payload).toEqual({ name: 'three' })
    second.source.close()
  })

  test('resumes across a restart of the daemon, by the header that clients send', async () => {
    const bearer = await token()
    const client = listen('', bearer)
    await client.open
    await toy('before')
    const before = await client.next()
    expect(before.entry.payload).toEqual({ name: 'before' })
    client.source.close()
    await kernel.restart()
    await toy('after')
    const response = await fetch(`${url()}/v1/events`, {
      headers: { authorization: `Bearer ${bearer}`, 'last-event-id': before.cursor },
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (let done = false; !done && !text.includes('"after"'); ) {
      const chunk = await reader.read()
      text += chunk.value ?? ''
      done = chunk.done
    }
    expect(text.match(/event: entry-applied/g)).toHaveLength(1)
    await reader.cancel()
  })

  test('keeps to the pacts of the token, and to the filters', async () => {
    const other = await kernel.pacts.create({ name: 'other', alias: 'other' })
    const narrow = await token([other.id])
    const all = await token()
    const clients = [listen('', narrow), listen('?pact=other', all), listen('?types=toy&topic=wanted', all)] as const
    await Promise.all(clients.map(({ open }) => open))
    await toy('hidden')
    await other.append([{ type: 'toy', payload: { name: 'theirs' } }])
    await toy('seen', 'wanted')
    for (const [i, name] of ['theirs', 'theirs', 'seen'].entries())
      expect((await clients[i]!.next()).entry.payload).toEqual({ name })
    for (const { source } of clients) source.close()
    expect((await get(`/v1/events?pact=${kernel.pact.id}`, narrow)).body.error).toBe('OUT_OF_SCOPE')
    expect((await get('/v1/events?pact=nowhere', all)).body.error).toBe('PACT_UNKNOWN')
    expect((await get('/v1/events?since=nonsense', all)).body.error).toBe('EVENT_CURSOR_INVALID')
    expect((await fetch(`${url()}/v1/events`)).status).toBe(401)
  })

  /** Answers when the stream is open; `text` is all that it says until the daemon ends it. */
  async function whole(bearer: string) {
    const response = await fetch(`${url()}/v1/events`, { headers: { authorization: `Bearer ${bearer}` } })
    return { text: response.text() }
  }

  test('ends with its token when that is revoked, and tells nothing that happens afterwards', async () => {
    const { bearer, end } = await ending()
    const { text } = await whole(bearer)
    const stays = listen('', await token())
    await stays.open
    await toy('while valid')
    await stays.next()
    await end()
    await toy('too late')
    expect((await stays.next()).entry.payload).toEqual({ name: 'too late' })
    stays.source.close()
    expect(await text).toContain('while valid')
    expect(await text).not.toContain('too late')
  })

  test('ends with its token when that expires, or is rotated', async () => {
    const tokens = kernel.use(accessRef)
    const { token: short } = await tokens.issue({ agent: kernel.identity.defaultAgent.name, lifetime: 300 })
    const [expiring, main] = [await whole(short), await whole(await tokens.rotate())]
    await tokens.rotate()
    expect(await main.text).toMatch(/^retry: /)
    expect(await expiring.text).toMatch(/^retry: /)
  })

  test('lets go of clients that leave', async () => {
    const client = listen('', await token())
    await client.open
    const hub = kernel.use(streams)
    expect(hub.size).toBeGreaterThan(0)
    client.source.close()
    while (hub.size > 0) await nextTurn()
  })
})

describe('GET /changes', () => {
  const changes = (query: string, bearer: string) => get(`/v1/pacts/${kernel.pact.id}/changes${query}`, bearer)

  test('from the head: nothing, and a cursor; then what came after it', async () => {
    const bearer = await token()
    await kernel.use(eventsRef).settled(kernel.pact)
    const head = await changes('?from=head', bearer)
    expect(head).toMatchObject({ status: 200, body: { entries: [], events: [], has_more: false } })
    const cursor = encodeURIComponent(String(head.body.cursor))
    expect((await changes(`?since=${cursor}`, bearer)).body).toEqual({ ...head.body })
    for (const name of ['a', 'b', 'c']) await toy(name)
    await kernel.use(eventsRef).settled(kernel.pact)
    const page = await changes(`?since=${cursor}&limit=2`, bearer)
    expect(page.body).toMatchObject({
      entries: [{ payload: { name: 'a' } }, { payload: { name: 'b' } }],
      has_more: true,
    })
    const rest = await changes(`?since=${encodeURIComponent(String(page.body.cursor))}`, bearer)
    expect(rest.body).toMatchObject({
      entries: [{ payload: { name: 'c' } }],
      events: [{ kind: 'entry-applied' }],
      has_more: false,
    })
  })

  test('from the start: everything since this machine was seated', async () => {
    await kernel.use(eventsRef).settled(kernel.pact)
    const { body } = await changes('?limit=1000', await token())
    expect((body.entries as { position: number }[]).map(({ position }) => position)).toEqual(
      Array.from({ length: kernel.pact.length - 1 }, (_, i) => i + 1),
    )
  })

  /** Asks in process; answers once the call waits. */
  async function waiting(wait: number, signal?: AbortSignal): Promise<{ answer: Promise<Answer> }> {
    await kernel.use(eventsRef).settled(kernel.pact)
    const caller = kernel.use(accessRef).identify(await token())
    const answer = kernel
      .use(operationsRef)
      .invoke('events.changes', { from: 'head', wait }, { caller, pact: 'test', signal })
    answer.catch(() => {})
    await nextTurn()
    return { answer }
  }

  test('waits for something to happen', async () => {
    const { answer } = await waiting(20)
    await toy('at last')
    expect((await answer).output).toMatchObject({ entries: [{ payload: { name: 'at last' } }] })
  })

  test('stops waiting when the time is over', async () => {
    const { answer } = await waiting(0.05)
    expect((await answer).output).toMatchObject({ entries: [], has_more: false })
  })

  test('stops waiting when the caller goes away', async () => {
    const abort = new AbortController()
    const { answer } = await waiting(30, abort.signal)
    abort.abort()
    await expect(answer).rejects.toMatchObject({ code: 'CALL_ABORTED' })
  })

  test('stops waiting when its token ends', async () => {
    const { bearer, end } = await ending()
    await kernel.use(eventsRef).settled(kernel.pact)
    const invoked = vi.spyOn(kernel.use(eventsRef), 'onEvents')
    const answer = changes('?from=head&wait=30', bearer)
    while (invoked.mock.calls.length === 0) await nextTurn()
    invoked.mockRestore()
    await end()
    expect(await answer).toMatchObject({ status: 401, body: { error: 'UNAUTHENTICATED' } })
  })

  test('a refused entry is told as an event and is no entry', async () => {
    const bearer = await token()
    await kernel.use(eventsRef).settled(kernel.pact)
    const { cursor } = (await changes('?from=head', bearer)).body
    await toy('forbidden')
    await kernel.use(eventsRef).settled(kernel.pact)
    const { body } = await changes(`?since=${encodeURIComponent(String(cursor))}`, bearer)
    expect(body).toMatchObject({ entries: [], events: [{ kind: 'entry-applied' }] })
  })
})
