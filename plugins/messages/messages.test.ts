import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Local, openLocal, type Received } from '../../test/support/local-door.ts'
import agents from '../agents/index.ts'
import { readModel } from '../read-model/service.ts'
import messages from './index.ts'

let local: Local
/** Tokens of two more agents of this machine. */
let claude: string
let codex: string
const base = '/v1/pacts/test'

beforeAll(async () => {
  local = await openLocal([messages, agents])
  const add = async (name: string, label?: string) =>
    (await local.send({ method: 'POST', path: '/v1/agents', body: { name, label } })).json.token as string
  claude = await add('claude', 'planner')
  codex = await add('codex')
})
afterAll(() => local.dispose())

interface Page {
  entries: { id: string; payload: { content: string }; [field: string]: unknown }[]
  cursor: string | null
  has_more: boolean
  unread: Record<string, number>
  mark: string
}
const send = (body: object, token?: string): Promise<Received> =>
  local.send({ method: 'POST', path: `${base}/messages`, body, ...(token ? { token } : {}) })
const said = async (body: object, token?: string) => (await send(body, token)).json.id as string
const get = async (path: string, token?: string) =>
  (await local.send({ path: `${base}${path}`, ...(token ? { token } : {}) })).json as unknown as Page
const inbox = (token: string, query = '') => get(`/inbox${query}`, token)
const words = ({ entries }: Page) => entries.map(({ payload }) => payload.content)
const mark = (token: string, body: object) => local.send({ method: 'POST', path: `${base}/inbox/read`, body, token })
const clear = async (token: string) => mark(token, { up_to: (await inbox(token)).mark })

test('a message to everybody, to an agent by name, handle or key, to a role and on a topic comes in where it should', async () => {
  const handle = (await get('/inbox', claude)) as unknown as { agent: string }
  const me = await local.send({ path: `${base}/agents`, token: claude })
  const [self] = (JSON.parse(me.text) as { agent: string; is_self: boolean }[]).filter(each => each.is_self)
  await said({ content: 'all' })
  await said({ content: 'by name', to: 'claude' })
  await said({ content: 'by handle', to: handle.agent })
  await said({ content: 'by key', to: self?.agent })
  await said({ content: 'identity', to: local.kernel.identity.key.toString('hex') })
  await said({ content: 'admins', role: 'admin' })
  await said({ content: 'reviewers', role: 'reviewer' })
  await said({ content: 'planners', role: 'planner' })
  await said({ content: 'topic', topic: 'deploy' })
  await said({ content: 'own' }, claude)
  expect(words(await inbox(claude))).toEqual([
    'all',
    'by name',
    'by handle',
    'by key',
    'identity',
    'admins',
    'planners',
    'topic',
  ])
  expect(words(await inbox(codex))).toEqual(['all', 'identity', 'admins', 'topic', 'own'])
  expect((await inbox(codex)).unread).toEqual({ total: 5, low: 0, normal: 5, high: 0, urgent: 0 })
})

test('roles and topics are followed by choice, and what came before comes in then', async () => {
  const follow = (body: object) => local.send({ method: 'PUT', path: `${base}/inbox/follows`, body, token: codex })
  await clear(codex)
  await said({ content: 'other topic', topic: 'other' })
  expect((await follow({ roles: ['reviewer'], topics: ['deploy'] })).json).toMatchObject({
    topics: ['deploy'],
    unread: 1,
  })
  expect((await follow({ topics: ['\ud800'] })).json.error).toBe('INVALID_INPUT')
  await said({ content: 'deploy again', topic: 'deploy' })
  expect(words(await inbox(codex))).toEqual(['reviewers', 'deploy again'])
  expect((await follow({ roles: [], all_topics: true })).json).toMatchObject({ roles: [], topics: [], unread: 2 })
  expect(words(await inbox(codex)).sort()).toEqual(['deploy again', 'other topic'])
})

test('the most urgent is first, filters come before the page is cut, and pages are complete', async () => {
  await clear(codex)
  for (const [content, priority] of [
    ['n1', 'normal'],
    ['l1', 'low'],
    ['u1', 'urgent'],
    ['n2', 'normal'],
    ['h1', 'high'],
  ])
    await said({ content, priority })
  const found: string[] = []
  for (let cursor = ''; ; ) {
    const page = await inbox(codex, `?limit=2${cursor && `&cursor=${cursor}`}`)
    found.push(...words(page))
    expect(page.has_more).toBe(page.cursor !== null)
    if (page.cursor === null) break
    cursor = page.cursor
  }
  expect(found).toEqual(['u1', 'h1', 'n1', 'n2', 'l1'])
  expect(words(await inbox(codex, '?priority=high&limit=2'))).toEqual(['u1', 'h1'])
  const odd = Buffer.from('[-9000000000000000,0]').toString('base64url')
  expect(await inbox(codex, `?cursor=${odd}`)).toMatchObject({ error: 'CURSOR_INVALID' })
  expect(words(await get('/messages?priority=low&limit=1'))).toEqual(['l1'])
  expect(words(await get('/messages?limit=3'))).toEqual(['h1', 'n2', 'u1'])
})

test('what was read stays read after a restart and a rebuild, for its reader alone; new mail comes in behind a mark', async () => {
  await clear(codex)
  await clear(claude)
  const first = await said({ content: 'first' })
  const { mark: seen } = await inbox(codex)
  const second = await said({ content: 'second' })
  expect((await mark(codex, { up_to: seen })).json).toEqual({ marked: 1, unread: 1 })
  expect((await mark(codex, { ids: [first, second] })).json).toEqual({ marked: 1, unread: 0 })
  await local.restart()
  await local.kernel.use(readModel).rebuild()
  expect(words(await inbox(codex))).toEqual([])
  expect(words(await inbox(claude))).toEqual(['first', 'second'])
  const all = await inbox(codex, '?all=true&limit=2')
  expect(all.entries.map(({ id, read_at }) => [id, typeof read_at])).toEqual([
    [second, 'string'],
    [first, 'string'],
  ])
  expect(words(await inbox(codex, `?all=true&limit=1&cursor=${all.cursor}`))).toHaveLength(1)
  const { status, json } = await mark(codex, { ids: ['00000000-1'] })
  expect([status, json.error]).toEqual([404, 'MESSAGE_UNKNOWN'])
})

test('a reply goes back to who asked, and the thread is all of it', async () => {
  await clear(claude)
  await clear(codex)
  const question = await said({ content: 'question', to: 'codex', topic: 'db', priority: 'high' }, claude)
  const answer = (await send({ content: 'answer', reply_to: question }, codex)).json
  expect(answer).toMatchObject({ to: expect.stringMatching(/^claude-/), topic: 'db', thread: question })
  expect(words(await inbox(claude))).toEqual(['answer'])
  const more = await said({ content: 'more', reply_to: question }, claude)
  expect(words(await inbox(codex))).toEqual(['question', 'more'])
  const last = await said({ content: 'last', reply_to: more }, codex)
  for (const id of [question, last]) {
    const page = await get(`/messages/${id}/thread?limit=3`)
    expect(words(page)).toEqual(['question', 'answer', 'more'])
    expect(words(await get(`/messages/${id}/thread?limit=3&cursor=${page.cursor}`))).toEqual(['last'])
  }
  expect((await send({ content: 'x', reply_to: '00000000-9' })).json.error).toBe('MESSAGE_UNKNOWN')
})

test('lists filter by recipient, role, topic and author', async () => {
  const handle = local.kernel.identity.agent('codex')?.handle
  expect(words(await get(`/messages?to=${handle}&limit=2`))).toEqual(['more', 'question'])
  expect(words(await get('/messages?role=reviewer'))).toEqual(['reviewers'])
  expect(words(await get('/messages?topic=db&order=asc&limit=1'))).toEqual(['question'])
  expect(words(await get('/messages?agent=codex&limit=1'))).toEqual(['last'])
  const { json } = await local.send({ path: `${base}/messages?topic=db&agent=codex` })
  expect(json.error).toBe('QUERY_UNSUPPORTED')
})

test('an inbox is never empty because of a wrong name: near ones are named', async () => {
  for (const path of ['/inbox?agent=claud', '/messages?to=claud', '/messages?agent=claud']) {
    const { status, json } = await local.send({ path: `${base}${path}` })
    expect([status, json.error]).toEqual([404, 'RECIPIENT_UNKNOWN'])
    expect(JSON.stringify(json)).toContain('claude')
  }
  expect((await send({ content: 'x', to: 'nobody at all' })).json.error).toBe('RECIPIENT_UNKNOWN')
  expect((await send({ content: 'x', to: 'claude', role: 'admin' })).json.error).toBe('INVALID_INPUT')
  expect(((await get('/inbox?agent=claude')) as unknown as { agent: string }).agent).toMatch(/^claude-/)
})

test('text that looks like code is text, in topics and roles too', async () => {
  const topic = `'; DROP TABLE messages_message; --`
  const { status, json } = await send({ content: '<script>$(x)</script>', topic })
  expect([status, json.topic]).toEqual([201, topic])
  expect(words(await get(`/messages?topic=${encodeURIComponent(topic)}`))).toEqual(['<script>$(x)</script>'])
  expect((await send({ content: 'x', role: `a' OR 1` })).json.error).toBe('INVALID_INPUT')
})

test('the table equals its rebuild', async () => {
  const model = local.kernel.use(readModel)
  const before = model.dump(local.kernel.pact)
  await model.rebuild()
  expect(model.dump(local.kernel.pact)).toBe(before)
})
