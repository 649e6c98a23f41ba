import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import { type Receiver, startReceiver, type Received as Taken } from '../../test/support/receiver.ts'
import { access } from '../access/service.ts'
import events from '../events/index.ts'
import { consumers, events as eventsRef } from '../events/service.ts'
import knowledge from '../knowledge/index.ts'
import { store as storeRef } from '../store/service.ts'
import tasks from '../tasks/index.ts'
import { webhooksHealth } from './health.ts'
import webhooks from './index.ts'

let local: Local
let receiver: Receiver
const base = '/v1/pacts/test/subscriptions'

beforeAll(async () => {
  receiver = await startReceiver()
  const quick = { plugin: webhooks, config: { allow: ['10.0.0.0/8'], retry_seconds: [0, 0.02, 0.02, 0.02, 0.02] } }
  local = await openLocal([events, knowledge, tasks, quick])
})
afterAll(async () => {
  await local.dispose()
  await receiver.close()
})
beforeEach(async () => {
  for (const { id } of await list()) await local.send({ method: 'DELETE', path: `${base}/${id}` })
  await receiver.close()
  receiver = await startReceiver()
})

interface Subscription {
  id: string
  secret: string
  state: string
  [field: string]: unknown
}
const post = (path: string, body: object, token?: string) =>
  local.send({ method: 'POST', path, body, ...(token !== undefined && { token }) })
const list = async () => (await local.send({ path: base })).json.entries as Subscription[]
const show = async (id: string) => (await local.send({ path: `${base}/${id}` })).json
const note = async (topic: string, content = 'x') =>
  (await post('/v1/pacts/test/knowledge', { topic, content })).json.id
async function subscribe(body: object = {}): Promise<Subscription> {
  const { status, json } = await post(base, { callback: receiver.url, ...body })
  expect([status, json.error]).toEqual([201, undefined])
  return json as Subscription
}
const entryOf = ({ message }: Taken) => message.data.entry as Record<string, unknown>

/** Every delivery of a subscription that is in a state, newest first. */
async function deliveries(id: string, state: string) {
  const { json } = await local.send({ path: `${base}/${id}/deliveries?state=${state}` })
  return json.entries as { id: string; attempts: { status: number | null; error: string | null }[] }[]
}

/** Asks again after each request that the receiver gets. */
async function reached(id: string, what: object): Promise<Record<string, unknown>> {
  for (;;) {
    const found = await show(id)
    if (Object.entries(what).every(([field, value]) => found[field] === value)) return found
    await new Promise(setImmediate)
  }
}

describe('a subscription', () => {
  test('to a type that no plugin has is kept, and says so with the nearest', async () => {
    expect((await subscribe({ type: 'tsak' })).note).toMatch(/has the type "tsak".* Did you mean "task"\?/)
    for (const type of ['task', 'task.claimed', ['knowledge', 'correction']])
      expect(await subscribe({ match: { type } })).not.toHaveProperty('note')
  })

  test('as in the roadmap: what fits is sent, signed so that others can verify it', async () => {
    const { secret, ...shown } = await subscribe({ type: 'knowledge', topic: 'data-*' })
    expect(shown).toMatchObject({ state: 'ok', match: { type: 'knowledge', topic: 'data-*' }, pending: 0, dead: 0 })
    await note('other')
    const id = await note('data-analysis', 'seven')
    const taken = await receiver.next()
    expect(new Webhook(secret).verify(taken.body, taken.headers)).toMatchObject({
      type: 'entry.applied',
      data: { kind: 'entry-applied', subject_id: id, pact: 'test', topic: 'data-analysis' },
    })
    expect(entryOf(taken)).toMatchObject({ id, payload: { content: 'seven' }, verdict: 'accepted' })
    const { pathname } = new URL(String(taken.message.data.url))
    expect((await local.send({ path: pathname })).json).toMatchObject({ id })
    expect(await list()).toEqual([{ ...(await show(shown.id)) }])
    expect(JSON.stringify(await list())).not.toContain('whsec_')
  })

  test('to the changes of a task gets them with the task', async () => {
    await subscribe({ match: { type: 'task', status: ['open', 'claimed'], priority: 'high' } })
    await post('/v1/pacts/test/tasks', { title: 'low', priority: 'low' })
    const { id } = (await post('/v1/pacts/test/tasks', { title: 'review', priority: 'high', topic: 'pr' })).json
    await local.send({ method: 'PUT', path: `/v1/pacts/test/tasks/${id}/claim`, body: { until: 'applied' } })
    const [open, claimed] = [await receiver.next(), await receiver.next()]
    expect([open.message.type, claimed.message.type]).toEqual(['task.open', 'task.claimed'])
    for (const taken of [open, claimed]) expect(entryOf(taken)).toMatchObject({ id, payload: { title: 'review' } })
    expect(claimed.message.data.change).toMatchObject({ status: 'claimed' })
  })

  test('is refused with a match that means nothing, or a callback that leads inside', async () => {
    const cases: [object, number, string, string][] = [
      [{ match: { stauts: 'open' } }, 400, 'INVALID_INPUT', 'Did you mean "status"'],
      [{ match: { where: { a: { gte: 'x' } } } }, 400, 'INVALID_INPUT', 'match.where'],
      [{ type: 'a', match: { type: 'b' } }, 400, 'INVALID_INPUT', '"type" is given twice'],
      [{ match: { pact: 'other' } }, 400, 'MATCH_INVALID', '"pact" names another one than "test"'],
      [{ callback: 'ftp://example.org' }, 400, 'CALLBACK_INVALID', 'http'],
      [{ callback: 'http://169.254.169.254/latest/' }, 403, 'CALLBACK_FORBIDDEN', '169.254.169.254'],
      [{ callback: 'http://192.168.1.1/' }, 403, 'CALLBACK_FORBIDDEN', 'allow-list'],
      [{ callback: 'http://0xa9fea9fe/' }, 403, 'CALLBACK_FORBIDDEN', 'metadata'],
    ]
    for (const [body, status, code, words] of cases) {
      const answer = await post(base, { callback: receiver.url, ...body })
      expect([answer.status, answer.json.error], JSON.stringify(body)).toEqual([status, code])
      expect(answer.json.message).toContain(words)
    }
    expect(await list()).toEqual([])
    expect((await post(base, { callback: 'http://10.1.2.3/' })).status).toBe(201)
  })

  test('to this machine needs a token without limits', async () => {
    const issue = (options: object) =>
      local.kernel.use(access).issue({ agent: local.kernel.identity.defaultAgent.name, ...options })
    const limits = [{ pacts: [local.kernel.pact.id] }, { operations: ['webhooks.*'] }, { access: 'write' }]
    for (const callback of [receiver.url, 'http://localhost:1/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/']) {
      for (const limit of limits) {
        const { status, json } = await post(base, { callback }, (await issue(limit)).token)
        expect([status, json.error], callback).toEqual([403, 'CALLBACK_FORBIDDEN'])
      }
    }
    const reader = (await issue({ access: 'read' })).token
    expect((await post(base, { callback: 'http://1.1.1.1/' }, reader)).json.error).toBe('OUT_OF_SCOPE')
    const run = (await issue({ cause: { entry: '0badcafe-1', hops: 1, run: '0'.repeat(32) } })).token
    expect((await post(base, { callback: 'http://1.1.1.1/' }, run)).json.error).toBe('OUT_OF_SCOPE')
    expect((await post(base, { callback: receiver.url }, (await issue({})).token)).status).toBe(201)
  })

  test('is local: nothing of it is written to the pact', async () => {
    const { length } = local.kernel.pact
    const { id } = await subscribe()
    await post(`${base}/${id}/rotate`, {})
    await local.send({ method: 'DELETE', path: `${base}/${id}` })
    expect(local.kernel.pact.length).toBe(length)
    for (const path of [`${base}/${id}`, `${base}/${id}/deliveries`])
      expect((await local.send({ path })).json.error).toBe('SUBSCRIPTION_UNKNOWN')
  })
})

describe('a delivery', () => {
  test('is tried again under the same id, and holds those behind it', async () => {
    let fails = 3
    receiver.respond = (_taken, response) => {
      fails--
      if (fails === 2) response.destroy()
      else response.writeHead(fails >= 0 ? 503 : 200).end()
    }
    const { id, secret } = await subscribe({ topic: 'retry' })
    const ids = [await note('retry'), await note('retry')]
    const taken = []
    while (taken.length < 5) taken.push(await receiver.next())
    expect(taken.map(one => entryOf(one).id)).toEqual([ids[0], ids[0], ids[0], ids[0], ids[1]])
    const first = taken.slice(0, 4)
    expect(new Set(first.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(first.map(({ body }) => body)).size).toBe(1)
    for (const { body, headers } of taken) expect(() => new Webhook(secret).verify(body, headers)).not.toThrow()
    await reached(id, { pending: 0 })
    const [, logged] = await deliveries(id, 'delivered')
    expect(logged!.attempts.map(({ status, error }) => status ?? error)).toEqual(['ECONNRESET', 503, 503, 200])
    expect(await show(id)).toMatchObject({ state: 'ok', failures: 0, next_attempt: null })
  })

  test('waits as long as the receiver asks', async () => {
    receiver.respond = (_taken, response) => void response.writeHead(429, { 'retry-after': '3600' }).end()
    const { id } = await subscribe({ topic: 'later' })
    await note('later')
    await receiver.next()
    const { next_attempt, state, reason } = await reached(id, { failures: 1 })
    expect([state, reason]).toEqual(['failing', 'it answered 429'])
    expect(Date.parse(String(next_attempt)) - Date.now()).toBeGreaterThan(3_500_000)
    const { findings, metrics } = webhooksHealth.value
    expect(await findings!(local.kernel)).toMatchObject([
      { level: 'advice', about: 'Webhooks', words: expect.stringContaining(`${id} of pact test failed 1 times`) },
    ])
    expect(await metrics!(local.kernel)).toContainEqual(expect.objectContaining({ name: 'webhooks_waiting', value: 1 }))
  })

  test('is given up in the end, listed as dead, and can be replayed', async () => {
    receiver.respond = (_taken, response) => void response.writeHead(500).end()
    const { id } = await subscribe({ topic: 'dead' })
    const entry = await note('dead')
    await reached(id, { dead: 1 })
    expect(receiver.received).toHaveLength(5)
    const [dead] = await deliveries(id, 'dead')
    expect(dead?.attempts).toHaveLength(5)
    receiver.respond = (_taken, response) => void response.writeHead(200).end()
    expect((await post(`${base}/${id}/replay`, {})).json).toEqual({ queued: 1 })
    await reached(id, { dead: 0, pending: 0 })
    expect((await post(`${base}/${id}/replay`, { delivery: dead!.id })).json).toEqual({ queued: 1 })
    while (receiver.received.length < 7) await receiver.next()
    expect(entryOf(receiver.received[6]!).id).toBe(entry)
    expect(receiver.received[6]!.headers['webhook-id']).toBe(dead!.id)
    expect((await post(`${base}/${id}/replay`, { delivery: 'msg_x' })).json.error).toBe('DELIVERY_UNKNOWN')
  })

  test('answered with 410 ends the subscription', async () => {
    receiver.respond = (_taken, response) => void response.writeHead(410).end()
    const { id } = await subscribe({ topic: 'gone' })
    await note('gone')
    const found = await reached(id, { state: 'disabled' })
    expect(found).toMatchObject({ reason: 'the callback answered 410 Gone', dead: 1, pending: 0 })
    await note('gone')
    await local.kernel.use(eventsRef).settled(local.kernel.pact)
    expect(receiver.received).toHaveLength(1)
    expect((await post(`${base}/${id}/replay`, {})).json.error).toBe('SUBSCRIPTION_DISABLED')
    await local.restart()
    expect(await show(id)).toMatchObject({ state: 'disabled' })
    expect(local.kernel.use(consumers).list()).toMatchObject([{ name: 'webhooks', matches: 0 }])
  })

  test('over the cap carries id, attributes and URL', async () => {
    await subscribe({ topic: 'large' })
    const id = await note('large', 'é'.repeat(15_000))
    const taken = await receiver.next()
    expect(Buffer.byteLength(taken.body)).toBeLessThan(20_000)
    expect(taken.message.data).toMatchObject({ truncated: true, topic: 'large', subject_id: id })
    expect(entryOf(taken)).toMatchObject({ id, type: 'knowledge', author: expect.any(String) })
    expect(entryOf(taken)).not.toHaveProperty('payload')
    expect(String(taken.message.data.url)).toContain(`/entries/${id}`)
  })

  test('with text that looks like code or like headers is the same text', async () => {
    const { secret } = await subscribe({ match: { text: 'touch' } })
    const content = '$(touch x) `id`\r\nwebhook-id: forged\n\u0000 --flag </script>'
    await note('hostile: $(x)', content)
    const taken = await receiver.next()
    expect(entryOf(taken)).toMatchObject({ topic: 'hostile: $(x)', payload: { content } })
    expect(taken.headers['webhook-id']).toMatch(/^msg_[\w-]{27}$/)
    expect(() => new Webhook(secret).verify(taken.body, taken.headers)).not.toThrow()
  })

  test('goes on after a restart with what was queued, and misses nothing written meanwhile', async () => {
    receiver.respond = (_taken, response) => void response.writeHead(503, { 'retry-after': '1' }).end()
    const { id } = await subscribe({ topic: 'restart' })
    const ids = [await note('restart'), await note('restart')]
    await receiver.next()
    await reached(id, { failures: 1 })
    receiver.respond = (_taken, response) => void response.writeHead(200).end()
    await local.restart()
    ids.push(await note('restart'))
    const taken = [await receiver.next(), await receiver.next(), await receiver.next()]
    expect(taken.map(one => entryOf(one).id)).toEqual(ids)
    expect(await reached(id, { pending: 0 })).toMatchObject({ state: 'ok', lag_ms: 0 })
  })
})

test('a secret is rotated without a gap', async () => {
  const { id, secret } = await subscribe({ topic: 'rotate' })
  const fresh = (await post(`${base}/${id}/rotate`, {})).json.secret as string
  expect(fresh).not.toBe(secret)
  await note('rotate')
  const { body, headers } = await receiver.next()
  for (const one of [secret, fresh]) expect(() => new Webhook(one).verify(body, headers)).not.toThrow()
  local.kernel.use(storeRef).db.prepare('UPDATE webhooks_subscriptions SET old_until = 0 WHERE id = ?').run(id)
  await note('rotate')
  const later = await receiver.next()
  expect(() => new Webhook(fresh).verify(later.body, later.headers)).not.toThrow()
  expect(() => new Webhook(secret).verify(later.body, later.headers)).toThrow('matching')
})

/** What can be done to a subscription besides making it. */
const everyChange = [
  ['POST', '/rotate'],
  ['POST', '/ping'],
  ['POST', '/replay'],
  ['DELETE', ''],
] as const

test('what an agent subscribed to is changed by it, or by whoever has no limits', async () => {
  const issued = async (agent: string) =>
    (
      await local.kernel
        .use(access)
        .issue({ agent: (await local.kernel.identity.createAgent(agent)).name, access: 'write' })
    ).token
  const [owner, codex] = [await issued('owner'), await issued('intruder')]
  // The test machine's callback is on its loopback, which only a token without limits may name.
  const { id, secret } = await subscribe({ topic: 'mine' })
  local.kernel.use(storeRef).db.prepare('UPDATE webhooks_subscriptions SET agent = ? WHERE id = ?').run('owner', id)
  const change = (token: string, method: string, path = '') =>
    local.send({ method, path: `${base}/${id}${path}`, token, ...(method === 'POST' && { body: {} }) })
  for (const [method, path] of everyChange) {
    const { status, json } = await change(codex, method, path)
    expect([status, json.error], path).toEqual([403, 'OUT_OF_SCOPE'])
  }
  const seen = await local.send({ path: base, token: codex })
  expect(seen.text).toContain(id)
  expect(seen.text).not.toContain(secret)
  expect((await change(owner, 'POST', '/replay')).json).toEqual({ queued: 0 })
  expect((await change(owner, 'POST', '/rotate')).json.secret).not.toBe(secret)
  expect((await change(local.token, 'POST', '/rotate')).status).toBe(200)
  expect((await change(owner, 'DELETE')).json).toEqual({ id, deleted: true })
})

test('a run of a trigger sees and changes none, though it speaks for the agent that subscribed', async () => {
  const callback = `${receiver.url}/secret-path?key=secret-query`
  const { id, agent } = await subscribe({ topic: 'run', callback })
  const cause = { entry: '0badcafe-1', hops: 1, run: '0'.repeat(32) }
  const { token } = await local.kernel.use(access).issue({ agent: String(agent), cause })
  const looks = ['', `/${id}`, `/${id}/deliveries`].map(path => ['GET', path] as const)
  for (const [method, path] of [...looks, ...everyChange.map(([how, path]) => [how, `/${id}${path}`] as const)]) {
    const body = method === 'POST' ? {} : undefined
    const { status, json, text } = await local.send({ method, path: `${base}${path}`, token, body })
    expect([status, json.error], `${method} ${path}`).toEqual([403, 'OUT_OF_SCOPE'])
    expect(text).not.toContain('secret-')
  }
  expect(receiver.received).toEqual([])
  expect(await list()).toMatchObject([{ id, callback, state: 'ok' }])
})

test('a ping is answered with how it went', async () => {
  const { id, secret } = await subscribe()
  expect((await post(`${base}/${id}/ping`, {})).json).toMatchObject({ delivered: true, status: 204, error: null })
  const { body, headers } = await receiver.next()
  expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'ping', data: { subscription: id } })
  await receiver.close()
  expect((await post(`${base}/${id}/ping`, {})).json).toMatchObject({ delivered: false, error: 'ECONNREFUSED' })
})

test('an entry that nobody subscribed to costs no look at a thousand subscriptions', async () => {
  const topics = Array.from({ length: 20 }, (_, i) => `only-${i}`)
  await Promise.all(topics.map(topic => subscribe({ topic })))
  await note('only-7')
  expect(entryOf(await receiver.next()).topic).toBe('only-7')
  expect(receiver.received).toHaveLength(1)
})

test('the plugin names a network in its settings that is none', async () => {
  const wrong = openLocal([events, { plugin: webhooks, config: { allow: ['10.0.0/99'] } }])
  await expect(wrong).rejects.toMatchObject({ message: expect.stringContaining('10.0.0/99') })
})
