import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import { readModel } from '../read-model/service.ts'
import knowledge from './index.ts'

let local: Local
const base = '/v1/pacts/test/knowledge'

beforeAll(async () => {
  local = await openLocal([knowledge])
})
afterAll(() => local.dispose())

const record = (body: object, headers: Record<string, string> = {}) =>
  local.send({ method: 'POST', path: base, body, headers })
const read = async (query = '') => (await local.send({ path: `${base}${query}` })).json as unknown as Answer

interface Answer {
  entries: Record<string, unknown>[]
  cursor: string | null
  has_more: boolean
}

test('what was recorded is read back, with its author and its topic in both places', async () => {
  const body = { topic: 'stripe', content: 'the endpoint moved', source: 'https://example.org', confidence: 0.9 }
  const { status, json } = await record(body)
  expect(status).toBe(201)
  const { defaultAgent, key } = local.kernel.identity
  expect(json).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
    type: 'knowledge',
    topic: 'stripe',
    payload: body,
    author: defaultAgent.handle,
    agent: defaultAgent.key.toString('hex'),
    identity: key.toString('hex'),
    verdict: 'accepted',
  })
  expect((await read('?topic=stripe')).entries[0]).toMatchObject({ id: json.id, payload: body })
})

test('the topic is signed once, in the envelope', async () => {
  const { json } = await record({ topic: 'envelope', content: 'small' })
  const stored = await local.kernel.pact.record(json.position as number)
  expect(stored?.entry?.topic).toBe('envelope')
  expect(JSON.parse(String(stored?.entry?.payload))).toEqual({ content: 'small' })
})

test('references are bare ids or typed', async () => {
  const old = (await record({ topic: 'refs', content: 'old' })).json.id as string
  const { json } = await record({ topic: 'refs', content: 'new', refs: [old, { id: old, type: 'supersedes' }] })
  expect(json.refs).toEqual([
    { id: old, type: 'related' },
    { id: old, type: 'supersedes' },
  ])
  const { json: found } = await local.send({ path: `/v1/pacts/test/entries/${old}/referenced-by?type=supersedes` })
  expect(found).toMatchObject({ entries: [{ id: json.id }] })
})

test('lists by topic are complete over pages, in either order', async () => {
  const ids: string[] = []
  for (const content of ['1', '2', '3', '4', '5'])
    ids.push((await record({ topic: 'pages', content })).json.id as string)
  for (const order of ['asc', 'desc']) {
    const found: string[] = []
    for (let cursor = ''; ; ) {
      const page = await read(`?topic=pages&limit=2&order=${order}${cursor && `&cursor=${cursor}`}`)
      found.push(...page.entries.map(entry => entry.id as string))
      expect(page.has_more).toBe(page.cursor !== null)
      if (page.cursor === null) break
      cursor = page.cursor
    }
    expect(found).toEqual(order === 'asc' ? ids : ids.toReversed())
  }
})

test('lists by agent take a name, a handle or a key, and know when there is no such agent', async () => {
  const { name, handle, key } = local.kernel.identity.defaultAgent
  await record({ topic: 'by agent', content: 'x' })
  for (const agent of [name, handle, key.toString('hex')]) {
    expect((await read(`?agent=${agent}&topic=by%20agent`)).entries).toHaveLength(1)
  }
  expect(await read('?agent=nobody-000000')).toMatchObject({ error: 'AGENT_NOT_FOUND' })
})

test('lists by time take ISO 8601 and milliseconds', async () => {
  await local.kernel.pact.append([
    { type: 'knowledge', topic: 'old', payload: { content: 'then' }, timestamp: Date.UTC(2020, 0, 1) },
  ])
  for (const until of ['2021-01-01T00:00:00Z', String(Date.UTC(2021))]) {
    expect((await read(`?until=${until}`)).entries).toMatchObject([{ topic: 'old' }])
    expect((await read(`?since=${until}&limit=1000`)).entries.map(entry => entry.topic)).not.toContain('old')
  }
  const { status, json } = await local.send({ path: `${base}?since=yesterday` })
  expect([status, json.error]).toEqual([400, 'INVALID_INPUT'])
  const both = await local.send({ path: `${base}?since=1&topic=old` })
  expect(both.json.message).toContain('bounds on time go with neither topic nor agent')
})

test('topics come with their counts and newest entries, the one written to last first', async () => {
  for (const topic of ['counted a', 'counted b', 'counted a']) await record({ topic, content: 'x' })
  const newest = (await record({ topic: 'counted a', content: 'last' })).json.id
  const first = await read('/topics?limit=1')
  expect(first.entries).toEqual([{ topic: 'counted a', count: 3, last_id: newest }])
  const second = await read(`/topics?limit=1&cursor=${first.cursor}`)
  expect(second.entries).toMatchObject([{ topic: 'counted b', count: 1 }])
  const all = await read('/topics?limit=1000')
  expect(all.has_more).toBe(false)
  expect(new Set(all.entries.map(entry => entry.topic)).size).toBe(all.entries.length)
})

test('topics over pages survive a cursor that is none', async () => {
  for (const cursor of ['x', Buffer.from('["a"]').toString('base64url')]) {
    const { status, json } = await local.send({ path: `${base}/topics?cursor=${cursor}` })
    expect([status, json.error]).toEqual([400, 'CURSOR_INVALID'])
  }
})

test('bad input is refused with the field that is wrong', async () => {
  const cases: [object, string][] = [
    [{ content: 'x' }, 'topic'],
    [{ topic: '', content: 'x' }, 'topic'],
    [{ topic: 't' }, 'content'],
    [{ topic: 't', content: '' }, 'content'],
    [{ topic: 't', content: 'x'.repeat(60_001) }, 'content'],
    [{ topic: 't', content: 'x', confidence: 1.1 }, 'confidence'],
    [{ topic: 't', content: 'x', refs: [{ id: 'nothing', type: 'related' }] }, 'refs'],
    [{ topic: 't', content: 'x', refs: ['../..'] }, 'refs'],
    [{ topic: 't', content: 'x', more: 1 }, 'more'],
  ]
  const before = local.kernel.pact.length
  for (const [body, field] of cases) {
    const { status, json } = await record(body)
    expect([status, json.error], JSON.stringify(body).slice(0, 80)).toEqual([400, 'INVALID_INPUT'])
    expect(json.message).toContain(field)
  }
  const { status, json } = await record({ topic: 't', content: '\u20ac'.repeat(30_000) })
  expect([status, json.error]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  expect(local.kernel.pact.length).toBe(before)
})

test('a retry with the same key, after a restart as well, is one entry', async () => {
  const body = { topic: 'retry', content: 'once' }
  const headers = { 'idempotency-key': 'k-1' }
  const first = await record(body, headers)
  await local.restart()
  const second = await record(body, headers)
  expect([second.status, second.json.id]).toEqual([201, first.json.id])
  expect((await read('?topic=retry')).entries).toHaveLength(1)
})

test('text that looks like code is text', async () => {
  const topic = `'; DROP TABLE knowledge_topic; --`
  const content = '$(touch /tmp/x) `id` <script>alert(1)</script> --flag \u0000 ../../etc/passwd'
  const { status, json } = await record({ topic, content })
  expect([status, json.payload]).toEqual([201, { topic, content }])
  expect((await read(`?topic=${encodeURIComponent(topic)}`)).entries).toMatchObject([{ payload: { content } }])
  expect((await read('/topics')).entries[0]).toMatchObject({ topic, count: 1 })
})

test('the table of topics equals its rebuild', async () => {
  const model = local.kernel.use(readModel)
  const before = model.dump(local.kernel.pact)
  await model.rebuild()
  expect(model.dump(local.kernel.pact)).toBe(before)
})
