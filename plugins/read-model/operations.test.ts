import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataPlugins } from '../../test/support/data-plugins.ts'
import { type KernelGroup, kernels, type TestKernel } from '../../test/support/kernels.ts'
import { access } from '../access/service.ts'
import { http } from '../http/route.ts'
import { asTime } from './operations.ts'
import type { EntryView, Page } from './service.ts'

let group: KernelGroup
let kernel: TestKernel
let bearer: string
let first: string

beforeAll(async () => {
  group = await kernels(1, dataPlugins)
  kernel = group.kernels[0]!
  bearer = (await kernel.use(access).issue({ agent: kernel.identity.defaultAgent.name })).token
  const [receipt] = await kernel.pact.append([{ type: 'note', topic: 'a', payload: { text: 'one' }, timestamp: 1000 }])
  first = receipt!.id
  await kernel.pact.append([
    { type: 'note', topic: 'b', payload: { text: 'two' }, refs: [{ id: first, type: 'contradicts' }], timestamp: 2000 },
    { type: 'step', topic: 'a', payload: { counter: 'x', by: 1 }, refs: [first] },
  ])
})
afterAll(() => group.dispose())

async function get<T = Page<EntryView>>(path: string): Promise<{ status: number; body: T }> {
  const response = await fetch(`${kernel.use(http).url}/v1/pacts/test${path}`, {
    headers: { authorization: `Bearer ${bearer}` },
  })
  return { status: response.status, body: (await response.json()) as T }
}

describe('over HTTP', () => {
  test('one entry by its id, as soon as its write was answered', async () => {
    const [receipt] = await kernel.pact.append([{ type: 'note', payload: { text: 'now' } }])
    const { status, body } = await get<EntryView>(`/entries/${receipt!.id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: receipt!.id,
      position: receipt!.position,
      payload: { text: 'now' },
      author: kernel.identity.defaultAgent.handle,
      agent: kernel.identity.defaultAgent.key.toString('hex'),
      identity: kernel.identity.key.toString('hex'),
      verdict: 'accepted',
    })
  })

  test('an unknown id, and what is none', async () => {
    expect(await get('/entries/ffffffff-1')).toMatchObject({ status: 404, body: { error: 'ENTRY_UNKNOWN' } })
    expect(await get('/entries/nonsense')).toMatchObject({ status: 400, body: { error: 'INVALID_INPUT' } })
  })

  test('lists with filters, page by page', async () => {
    const page = await get('/entries?type=note&limit=1&order=asc')
    expect(page.body).toMatchObject({ entries: [{ id: first }], has_more: true })
    const next = await get(`/entries?type=note&limit=1&order=asc&cursor=${page.body.cursor}`)
    expect(next.body.entries[0]?.payload).toEqual({ text: 'two' })
    expect((await get('/entries?topic=a')).body.entries.map(({ type }) => type)).toEqual(['step', 'note'])
    expect((await get('/entries?type=note&type=step&topic=a')).body.entries).toHaveLength(2)
    const bounded = await get('/entries?type=note&since=1970-01-01T00:00:02Z&until=3000')
    expect(bounded.body.entries.map(({ topic }) => topic)).toEqual(['b'])
    expect(await get('/entries?since=yesterday')).toMatchObject({ status: 400, body: { error: 'INVALID_INPUT' } })
    expect(await get('/entries?since=1')).toMatchObject({ status: 400, body: { error: 'QUERY_UNSUPPORTED' } })
    const { name, handle } = kernel.identity.defaultAgent
    const by = async (agent: string) => (await get(`/entries?type=note&agent=${agent}`)).body.entries?.length
    expect([await by(name), await by(handle)]).toEqual([3, 3])
    expect(await get('/entries?agent=nobody')).toMatchObject({ status: 404, body: { error: 'AGENT_NOT_FOUND' } })
    expect(await get('/entries?cursor=x')).toMatchObject({ status: 400, body: { error: 'CURSOR_INVALID' } })
  })

  test('what refers to an entry', async () => {
    expect((await get(`/entries/${first}/referenced-by`)).body.entries.map(({ topic }) => topic)).toEqual(['a', 'b'])
    expect((await get(`/entries/${first}/referenced-by?type=contradicts`)).body.entries).toHaveLength(1)
  })
})

test('times are ISO 8601 or ms', () => {
  expect(asTime('since', '2026-01-31T12:00:00Z')).toBe(Date.UTC(2026, 0, 31, 12))
  expect(asTime('since', '1700000000000')).toBe(1_700_000_000_000)
  for (const text of ['', 'soon', '1960-01-01', '99999999999999999999'])
    expect(() => asTime('since', text)).toThrow('since: a time')
})
