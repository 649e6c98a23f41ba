import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Local, openLocal } from '../../../test/support/local-door.ts'
import { readModel } from '../../read-model/service.ts'
import tasks from '../index.ts'

/** One machine, over HTTP, with every answer checked against its declaration. */
let local: Local
const base = '/v1/pacts/test/tasks'

beforeAll(async () => {
  local = await openLocal([tasks])
})
afterAll(() => local.dispose())

type Json = Record<string, unknown>
const send = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  local.send({ method, path: `${base}${path}`, body, headers })
const create = async (body: object) => {
  const { status, json } = await send('POST', '', body)
  expect([status, json.status], JSON.stringify(json)).toEqual([201, 'open'])
  return json.id as string
}
const list = async (query: string) =>
  (await send('GET', query)).json as { entries: Json[]; cursor: string; has_more: boolean }
const ids = async (query: string) => (await list(query)).entries.map(({ id }) => id)
const me = () => local.kernel.identity.defaultAgent.handle

/** A claim of this machine whose lease is over: written a minute ago, for ten seconds. */
const claimLongAgo = (task: string) =>
  local.kernel.pact.append([
    { type: 'task.claim', payload: { task, lease_ms: 10_000 }, timestamp: Date.now() - 60_000 },
  ])

describe('the life of a task', () => {
  test('recorded, claimed, renewed, released, claimed again, completed; with its history', async () => {
    const { status, json } = await send('POST', '', {
      title: 'Fix it',
      description: 'now',
      topic: 'bugs',
      priority: 'high',
    })
    const id = json.id as string
    expect(status).toBe(201)
    expect(json).toEqual({
      id,
      title: 'Fix it',
      description: 'now',
      topic: 'bugs',
      priority: 'high',
      assignee: null,
      depends_on: [],
      status: 'open',
      claimed_by: null,
      lease_until: null,
      lease_expired: false,
      result: null,
      created_by: me(),
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      position: expect.any(Number),
      confirmed: true,
    })

    const claimed = await send('PUT', `/${id}/claim`, { lease_ms: 60_000 })
    expect(claimed.status).toBe(200)
    expect(claimed.json).toMatchObject({ status: 'claimed', claimed_by: me(), confirmed: true, lease_expired: false })
    const renewed = await send('PUT', `/${id}/renew`, { lease_ms: 3_600_000 })
    expect(Date.parse(String(renewed.json.lease_until)) - Date.now()).toBeGreaterThan(3_500_000)
    const released = await send('PUT', `/${id}/release`, { reason: 'no time' })
    expect(released.json).toMatchObject({ status: 'open', claimed_by: null, lease_until: null })
    await send('PUT', `/${id}/claim`)
    const complete = await send('PUT', `/${id}/complete`, { result: { fixed: true } })
    expect(complete.json).toMatchObject({
      status: 'complete',
      claimed_by: me(),
      result: { fixed: true },
      lease_until: null,
    })

    const { json: shown } = await send('GET', `/${id}`)
    const { history, ...state } = shown as { history: Json[] } & Json
    expect(state).toEqual(complete.json)
    expect(history.map(({ what, by, reason }) => [what, by, reason])).toEqual([
      ['recorded', me(), undefined],
      ['claimed', me(), undefined],
      ['renewed', me(), undefined],
      ['released', me(), 'no time'],
      ['claimed', me(), undefined],
      ['completed', me(), undefined],
    ])
  })

  test('claiming what one holds answers the state and writes nothing', async () => {
    const id = await create({ title: 'mine' })
    const first = await send('PUT', `/${id}/claim`)
    const { length } = local.kernel.pact
    const second = await send('PUT', `/${id}/claim`)
    expect([second.status, second.json]).toEqual([200, first.json])
    expect(local.kernel.pact.length).toBe(length)
  })

  test('claims of one agent at the same time all say that the task is its own', async () => {
    const id = await create({ title: 'at once' })
    const answers = await Promise.all(Array.from({ length: 8 }, () => send('PUT', `/${id}/claim`)))
    for (const { status, json } of answers) expect([status, json.claimed_by]).toEqual([200, me()])
    const { history } = (await send('GET', `/${id}`)).json as { history: Json[] }
    expect(history.filter(({ what }) => what === 'claimed')).toHaveLength(1)
  })

  test('a completed task is final', async () => {
    const id = await create({ title: 'done' })
    await send('PUT', `/${id}/claim`)
    await send('PUT', `/${id}/complete`, { result: 'first' })
    for (const verb of ['claim', 'renew', 'release', 'complete']) {
      const { status, json } = await send('PUT', `/${id}/${verb}`)
      expect([status, json.error], verb).toEqual([409, 'TASK_COMPLETE'])
      expect(json.message).toContain(id)
    }
    expect((await send('GET', `/${id}`)).json.result).toBe('first')
    // Who did not hear the answer may ask again; nothing more is signed, whatever is asked.
    const again = await send('PUT', `/${id}/complete`, { result: 'first', until: 'confirmed' })
    expect([again.status, again.json.result, again.json.confirmed]).toEqual([200, 'first', true])
    const written = await local.send({ path: '/v1/pacts/test/entries?type=task.complete&verdict=any' })
    expect((written.json.entries as Json[]).filter(({ payload }) => (payload as Json).task === id)).toHaveLength(1)
  })

  test('only what is claimed can be renewed, released and completed', async () => {
    const id = await create({ title: 'not mine' })
    for (const verb of ['renew', 'release', 'complete']) {
      const { status, json } = await send('PUT', `/${id}/${verb}`)
      expect([status, json.error]).toEqual([409, 'NOT_CLAIMANT'])
    }
  })

  test('a lease that is over says so, and the task is still completed by who comes back', async () => {
    const id = await create({ title: 'late' })
    await claimLongAgo(id)
    expect((await send('GET', `/${id}`)).json).toMatchObject({ status: 'claimed', lease_expired: true })
    expect(await ids('?ready=true')).toContain(id)
    expect((await send('PUT', `/${id}/complete`)).json.status).toBe('complete')
  })

  test('a lease that is over is claimed anew, by its holder too', async () => {
    const id = await create({ title: 'again' })
    await claimLongAgo(id)
    expect((await send('PUT', `/${id}/claim`)).json).toMatchObject({ status: 'claimed', lease_expired: false })
  })
})

describe('assignees and dependencies', () => {
  test('an assignee is named by name, handle or key, of the agent or of its identity', async () => {
    const { defaultAgent, key } = local.kernel.identity
    for (const [assignee, shown] of [
      [me(), me()],
      ['me', me()],
      [defaultAgent.name, me()],
      [defaultAgent.key.toString('hex'), me()],
      [key.toString('hex'), key.toString('hex')],
    ] as const) {
      const id = await create({ title: 'for me', assignee })
      expect((await send('GET', `/${id}`)).json.assignee).toBe(shown)
      expect(await ids(`?assignee=${assignee}`)).toContain(id)
      expect((await send('PUT', `/${id}/claim`)).status).toBe(200)
    }
    const { status, json } = await send('POST', '', { title: 'x', assignee: 'nobody-123456' })
    expect([status, json.error]).toEqual([404, 'AGENT_NOT_FOUND'])
  })

  test('a task is ready when all it depends on is complete', async () => {
    const [first, second] = [await create({ title: '1' }), await create({ title: '2' })]
    const last = await create({ title: 'last', topic: 'chain', depends_on: [first, second] })
    for (const id of [first, second]) {
      expect(await ids('?ready=true&topic=chain')).toEqual([])
      const { status, json } = await send('PUT', `/${last}/claim`)
      expect([status, json.error]).toEqual([409, 'TASK_BLOCKED'])
      await send('PUT', `/${id}/claim`)
      await send('PUT', `/${id}/complete`)
    }
    expect(await ids('?ready=true&topic=chain')).toEqual([last])
    expect((await send('PUT', `/${last}/claim`)).status).toBe(200)
    const { status, json } = await send('POST', '', { title: 'x', depends_on: ['00000000-1'] })
    expect([status, json.error]).toEqual([422, 'DEPENDENCY_UNKNOWN'])
  })
})

describe('lists', () => {
  test('filters come before pages', async () => {
    const made: string[] = []
    for (let i = 0; i < 6; i++) made.push(await create({ title: `task ${i}`, topic: 'pages' }))
    const claimed = made.filter((_, i) => i % 2 === 0)
    for (const id of claimed) await send('PUT', `/${id}/claim`)
    const first = await list('?topic=pages&status=claimed&limit=2&order=asc')
    expect(first.entries.map(({ id }) => id)).toEqual(claimed.slice(0, 2))
    expect(first.has_more).toBe(true)
    const second = await list(`?topic=pages&status=claimed&limit=2&order=asc&cursor=${first.cursor}`)
    expect(second).toMatchObject({ entries: [{ id: claimed[2] }], cursor: null, has_more: false })
    expect(await ids('?topic=pages')).toEqual(made.toReversed())
  })

  test('ready tasks: the most urgent first, then the oldest', async () => {
    const made: Record<string, string> = {}
    for (const name of ['low', 'normal', 'urgent', 'high', 'urgent again', 'none'])
      made[name] = await create({
        title: name,
        topic: 'urgency',
        ...(name !== 'none' && { priority: name.replace(' again', '') }),
      })
    const wanted = ['urgent', 'urgent again', 'high', 'normal', 'none', 'low'].map(name => made[name])
    const found: unknown[] = []
    for (let cursor = ''; ; ) {
      const page = await list(`?ready=true&topic=urgency&limit=4${cursor}`)
      found.push(...page.entries.map(({ id }) => id))
      if (!page.has_more) break
      cursor = `&cursor=${page.cursor}`
    }
    expect(found).toEqual(wanted)
  })

  test('what cannot be meant is refused', async () => {
    for (const query of ['?ready=true&status=open', '?ready=true&order=asc', '?status=done', '?limit=0', '?cursor=!!!'])
      expect((await send('GET', query)).status, query).toBe(400)
    const cursor = Buffer.from('[1,2,3]').toString('base64url')
    expect((await send('GET', `?cursor=${cursor}`)).json.error).toBe('CURSOR_INVALID')
  })
})

describe('refusals', () => {
  test('an unknown task is 404 for every operation', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['PUT', '/claim'],
      ['PUT', '/renew'],
      ['PUT', '/release'],
      ['PUT', '/complete'],
    ] as const) {
      const { status, json } = await send(method, `/00000000-7${path}`)
      expect([status, json.error], path).toEqual([404, 'TASK_UNKNOWN'])
    }
  })

  test('bad input names its field and writes nothing', async () => {
    const id = await create({ title: 'x' })
    const { length } = local.kernel.pact
    for (const body of [
      {},
      { title: '' },
      { title: 'x'.repeat(301) },
      { title: 'x', priority: 'soon' },
      { title: 'x', depends_on: ['a'] },
      { title: 'x', depends_on: [id, id] },
      { title: 'x', status: 'open' },
    ])
      expect((await send('POST', '', body)).json.error, JSON.stringify(body)).toBe('INVALID_INPUT')
    for (const lease_ms of [0, 9_999, 1.5, '60000'])
      expect((await send('PUT', `/${id}/claim`, { lease_ms })).json.error).toBe('INVALID_INPUT')
    expect(local.kernel.pact.length).toBe(length)
    const tooLong = await send('PUT', `/${id}/claim`, { lease_ms: 25 * 3_600_000 })
    expect([tooLong.status, tooLong.json.error]).toEqual([400, 'LEASE_TOO_LONG'])
  })

  test('without the rule in the charter nothing is written, because nobody would decide', async () => {
    const { pact } = local.kernel
    const state = await pact.charter()
    const rules = state?.charter.rules.filter(({ plugin }) => plugin !== 'tasks')
    const id = await create({ title: 'before' })
    const amend = async (change: object) => {
      const current = await pact.charter()
      await pact.append([{ type: 'pact.amend', payload: { base: current?.hash, change } }])
    }
    await amend({ rules })
    for (const answer of [
      await send('POST', '', { title: 'x' }),
      await send('PUT', `/${id}/claim`),
      await send('PUT', `/${id}/complete`),
    ])
      expect([answer.status, answer.json.error]).toEqual([409, 'TASKS_OFF'])
  })
})

test('a retry with the same key after a restart is one entry', async () => {
  const again = await openLocal([tasks])
  try {
    const post = (path: string, body: object, key: string, method = 'PUT') =>
      again.send({ method, path: `${base}${path}`, body, headers: { 'idempotency-key': key } })
    const { json } = await post('', { title: 'once' }, 'a', 'POST')
    await post(`/${json.id}/claim`, {}, 'b')
    await post(`/${json.id}/renew`, { lease_ms: 20_000 }, 'c')
    await post(`/${json.id}/complete`, { result: 'r' }, 'd')
    const { length } = again.kernel.pact
    await again.restart()
    expect((await post('', { title: 'once' }, 'a', 'POST')).json.id).toBe(json.id)
    expect((await post(`/${json.id}/renew`, { lease_ms: 20_000 }, 'c')).status).toBe(200)
    expect((await post(`/${json.id}/complete`, { result: 'r' }, 'd')).json.result).toBe('r')
    expect(again.kernel.pact.length).toBe(length)
  } finally {
    await again.dispose()
  }
})

test('the tables equal their rebuild', async () => {
  const model = local.kernel.use(readModel)
  const before = model.dump(local.kernel.pact)
  await model.rebuild()
  expect(model.dump(local.kernel.pact)).toBe(before)
})
