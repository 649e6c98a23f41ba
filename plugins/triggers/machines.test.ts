/** Triggers on several machines: real ledgers joined by pipes, so that partitions are exact. The first machine is the only indexer. */
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { forgedBlock } from '../../test/support/forgery.ts'
import { connect, type KernelGroup, kernels, type TestKernel, until } from '../../test/support/kernels.ts'
import { surface } from '../../test/support/local-door.ts'
import { eventually } from '../../test/support/network.ts'
import { inState, Programs, runsOf, setTriggers } from '../../test/support/trigger-programs.ts'
import events from '../events/index.ts'
import knowledge from '../knowledge/index.ts'
import { operations } from '../operations/service.ts'
import { readModel } from '../read-model/service.ts'
import tasks from '../tasks/index.ts'
import triggersPlugin from './index.ts'
import { triggers } from './service.ts'

let group: KernelGroup
let a: TestKernel
let b: TestKernel
let c: TestKernel
let all: TestKernel[]
let programs: Programs
let cuts: (() => Promise<void>)[] = []
const out = () => ({ set: { OUT: programs.dir } })

beforeAll(async () => {
  programs = new Programs()
  const plugin = { plugin: triggersPlugin, config: { grace_ms: 300 } }
  group = await kernels(3, [...surface(), events, knowledge, tasks, plugin])
  all = group.kernels
  ;[a, b, c] = all as [TestKernel, TestKernel, TestKernel]
})
afterAll(async () => {
  await group?.dispose()
  programs?.dispose()
})
beforeEach(() => {
  cuts = [connect(a.pact, b.pact), connect(a.pact, c.pact)]
})
afterEach(async () => {
  for (const kernel of all) await setTriggers(kernel, [])
  for (const cut of cuts) await cut()
})

async function ask<T = { id: string }>(kernel: TestKernel, name: string, input: object): Promise<T> {
  const caller = { agent: kernel.identity.defaultAgent.name, pacts: null, operations: null }
  return (await kernel.use(operations).invoke(name, input, { caller, pact: 'test' })).output as T
}
const record = async (kernel: TestKernel, topic: string, content = 'text') =>
  (await ask(kernel, 'knowledge.record', { topic, content })).id
const show = (kernel: TestKernel, id: string) =>
  ask<{ status: string; claimed_by: string | null }>(kernel, 'tasks.show', { id })
/** Resolves when every machine knows whose agents write: under load it learns that late, and trusts nobody until then. */
const acquainted = () =>
  eventually(async () => {
    const ids = await Promise.all(all.map(kernel => record(kernel, 'hello')))
    await settled(...all)
    return all.every(({ use, pact }) => ids.every(id => use(readModel).entry(pact, id)?.identity))
  })
const stopped = (kernel: TestKernel, id: string) => kernel.use(triggers).known.get(id)

/** Resolves when these machines have the same log, confirmed to its end, and have acted on it. */
async function settled(...some: TestKernel[]) {
  const chain = async ({ pact }: TestKernel) => (await pact.record(pact.length - 1))?.chain.toString('hex')
  for (const kernel of some) {
    await until(kernel.pact, async () => {
      const same = a.pact.length === kernel.pact.length && kernel.pact.length === kernel.pact.confirmed
      return same && (await chain(a)) === (await chain(kernel))
    })
  }
  for (const kernel of some) {
    await kernel.use(readModel).sync(kernel.pact)
    await kernel.use(triggers).settled()
  }
}

/** Claims are for whoever is first: this one works on the task that it was started for, with its own token. */
const worker = () =>
  programs.agent(
    'worker',
    `require('node:fs').appendFileSync(env.OUT + '/worked', env.OPENPACT_TASK + ' ' + env.OPENPACT_RUN_KEY + '\\n')
    const { status } = await ask('PUT', pact + '/tasks/' + env.OPENPACT_TASK + '/complete', { result: 'done' })
    process.exit(status === 200 ? 0 : 1)`,
  )
const worked = (task: string) => programs.lines('worked').filter(line => line.startsWith(task))
const once = (topic: string, more: object = {}) => ({
  id: topic,
  match: { type: 'task', status: 'open', topic },
  trust: { roles: ['admin', 'member'] },
  run: 'worker',
  once: true,
  approve: 'never',
  env: out(),
  ...more,
})

test('machines with the same trigger and one open task: one run, and the others know that it is done', async () => {
  worker()
  for (const kernel of all) await setTriggers(kernel, [once('one')])
  const ids: string[] = []
  for (let i = 0; i < 3; i++) ids.push((await ask(b, 'tasks.create', { title: `task ${i}`, topic: 'one' })).id)
  for (const id of ids) await eventually(async () => (await show(a, id)).status === 'complete')
  await settled(a, b, c)
  for (const kernel of all)
    await eventually(
      () => runsOf(kernel, 'one').filter(({ state }) => ['succeeded', 'skipped'].includes(state)).length === ids.length,
    )
  for (const id of ids) expect(worked(id)).toHaveLength(1)
  const states = all.flatMap(kernel => runsOf(kernel, 'one').map(({ state }) => state)).sort()
  expect(states).toEqual([...Array(6).fill('skipped'), ...Array(3).fill('succeeded')])
})

test('two machines that do not see each other, with until: confirmed: one run', async () => {
  worker()
  for (const kernel of [a, b]) await setTriggers(kernel, [once('apart', { until: 'confirmed' })])
  for (const kernel of [a, b]) kernel.use(triggers).pause('apart', true)
  const { id: known } = await ask(a, 'tasks.create', { title: 'both know it', topic: 'apart' })
  await settled(a, b)
  await cuts.shift()!()
  const { id: fresh } = await ask(b, 'tasks.create', { title: 'only one knows it', topic: 'apart' })
  await b.use(triggers).settled()
  expect(runsOf(b, 'apart').map(({ task }) => task)).toEqual([known])

  b.use(triggers).pause('apart', false)
  await eventually(async () => (await show(b, known)).status === 'claimed')
  a.use(triggers).pause('apart', false)
  await inState(a, 'apart', 'succeeded')
  // The other one has claimed too, but nobody has confirmed that.
  expect(runsOf(b, 'apart')).toMatchObject([{ state: 'running', pid: null }])
  expect(worked(known)).toHaveLength(1)

  cuts.push(connect(a.pact, b.pact))
  await eventually(async () => (await show(a, fresh).catch(() => null))?.status === 'complete')
  await settled(a, b)
  for (const kernel of [a, b])
    await eventually(
      () => runsOf(kernel, 'apart').filter(({ state }) => ['succeeded', 'skipped'].includes(state)).length === 2,
    )
  expect([worked(known).length, worked(fresh).length]).toEqual([1, 1])
})

describe('what is decided while a claim waits to be confirmed holds', () => {
  /** b's claim of a task, which nobody can confirm; `join` lets them, and with that the program start. */
  async function claimed(topic: string, more: object = {}) {
    worker()
    await setTriggers(b, [once(topic, more)])
    const { hash } = await ask<{ hash: string }>(b, 'triggers.approve', { id: topic })
    await ask(b, 'triggers.approve', { id: topic, hash })
    b.use(triggers).pause(topic, true)
    const { id } = await ask(a, 'tasks.create', { title: 'claimed', topic })
    await settled(a, b)
    await cuts.shift()!()
    b.use(triggers).pause(topic, false)
    await eventually(async () => (await show(b, id)).status === 'claimed')
    expect(runsOf(b, topic)).toMatchObject([{ state: 'running', pid: null }])
    return { id, join: () => void cuts.push(connect(a.pact, b.pact)) }
  }

  test('a pause: nothing starts, the task is free again, and it starts when it may', async () => {
    const { id, join } = await claimed('held')
    b.use(triggers).pause('held', true)
    join()
    await inState(b, 'held', 'pending')
    expect(runsOf(b, 'held')).toMatchObject([{ reason: 'its trigger is paused', started: null }])
    expect([(await show(b, id)).status, worked(id)]).toEqual(['open', []])
    b.use(triggers).pause('held', false)
    await inState(b, 'held', 'succeeded')
    expect(worked(id)).toHaveLength(1)
  })

  test('another definition: the one that was claimed for never starts', async () => {
    programs.script('outdated', 'echo $OPENPACT_TASK >> $OUT/outdated')
    const { id, join } = await claimed('changed', { run: 'outdated' })
    await setTriggers(b, [once('changed')])
    join()
    await inState(b, 'changed', 'succeeded')
    expect([programs.lines('outdated'), worked(id).length]).toEqual([[], 1])
  })

  test('a program that was swapped: it does not start, and the task is free again', async () => {
    const link = programs.path('bin/swapped')
    symlinkSync(programs.script('approved', 'exit 0'), link)
    const { id, join } = await claimed('swapped', { run: 'swapped', approve: 'first' })
    const other = programs.script('other', 'touch $OUT/other')
    rmSync(link)
    symlinkSync(other, link)
    join()
    await eventually(() => runsOf(b, 'swapped')[0]?.state !== 'running')
    const [run] = runsOf(b, 'swapped')
    expect(run!.reason).toContain(`could not be started: "swapped" leads to ${other} now`)
    expect(run!.reason).toContain('its task was given back')
    expect([(await show(b, id)).status, existsSync(programs.path('other'))]).toEqual(['open', false])
  })
})

test('a reorder after a trigger has fired starts nothing again; what had not begun is withdrawn and comes again', async () => {
  programs.script('fires', 'echo $OPENPACT_ENTRY >> $OUT/fired')
  await settled(b)
  await setTriggers(b, [
    { id: 'fired', match: { type: 'knowledge', topic: 'moved' }, run: 'fires', approve: 'never', env: out() },
    { id: 'paused', match: { type: 'knowledge', topic: 'moved' }, run: 'fires', approve: 'never', env: out() },
  ])
  b.use(triggers).pause('paused', true)
  await cuts.shift()!()
  const id = await record(b, 'moved')
  const [before] = await inState(b, 'fired', 'succeeded')
  const [waiting] = runsOf(b, 'paused')
  for (let i = 0; i < 5; i++) await record(a, 'elsewhere')
  cuts.push(connect(a.pact, b.pact))
  await settled(b)
  const [after, ...more] = runsOf(b, 'fired')
  expect(more).toEqual([])
  expect(after).toMatchObject({ state: 'succeeded', attempt: 1, key: before!.key })
  expect(after!.event, 'it was taken back and came again as another event').not.toBe(before!.event)
  expect(runsOf(b, 'paused')).toMatchObject([{ state: 'pending', key: waiting!.key, event: after!.event }])
  expect(programs.lines('fired')).toEqual([id])
  b.use(triggers).pause('paused', false)
  await inState(b, 'paused', 'succeeded')
  expect(programs.lines('fired')).toEqual([id, id])
})

test('a trigger that answers its own event by way of another machine stops at the hop limit', async () => {
  programs.agent('answers', `await ask('POST', pact + '/knowledge', { content: 'again', topic: 'loop' })`)
  const loop = (other: TestKernel) => ({
    id: 'loop',
    match: { type: 'knowledge', topic: 'loop', owner: other.identity.key.toString('hex') },
    run: 'answers',
    approve: 'never',
    trust: { roles: ['admin', 'member'], max_hops: 3 },
  })
  await settled(a, b)
  await setTriggers(a, [loop(b)])
  await setTriggers(b, [loop(a)])
  const first = await record(a, 'loop')
  await eventually(() => stopped(a, 'loop').stopped > 0)
  await settled(a, b)
  const { entries } = a.use(readModel).entries(a.pact, { type: 'knowledge', topic: 'loop', order: 'asc' })
  expect(entries.map(({ hops = 0, author }) => [hops, author])).toEqual(
    [a, b, a, b].map(({ identity }, hops) => [hops, identity.defaultAgent.handle]),
  )
  expect(entries.map(({ caused_by }) => caused_by)).toEqual([undefined, first, entries[1]?.id, entries[2]?.id])
  expect(stopped(a, 'loop')).toMatchObject({
    stopped: 1,
    last_stopped: { entry: entries[3]?.id, reason: expect.stringContaining('max_hops is 3') },
  })
})

test('what a run wrote starts its trigger on none of the machines that have it', async () => {
  programs.agent(
    'breeds',
    `require('node:fs').appendFileSync(env.OUT + '/bred', env.OPENPACT_TASK + '\\n')
    await ask('POST', pact + '/tasks', { title: 'another', topic: 'fleet' })
    await ask('PUT', pact + '/tasks/' + env.OPENPACT_TASK + '/complete', { result: 'done' })`,
  )
  await acquainted()
  for (const kernel of all) await setTriggers(kernel, [once('fleet', { run: 'breeds' })])
  const { id } = await ask(b, 'tasks.create', { title: 'the first', topic: 'fleet' })
  await eventually(async () => (await show(b, id)).status === 'complete')
  await settled(a, b, c)
  for (const kernel of all)
    expect(stopped(kernel, 'fleet').last_stopped).toMatchObject({ reason: 'a run of this trigger wrote it' })
  expect(programs.lines('bred')).toEqual([id])
})

test('a run that was killed with its machine begins again elsewhere when its lease has ended, under the same key', async () => {
  worker()
  for (const kernel of [a, b]) await setTriggers(kernel, [once('leased')])
  // What b's daemon has left behind: a claim, and nobody who works under it.
  for (const kernel of [a, b]) kernel.use(triggers).pause('leased', true)
  const { id } = await ask(b, 'tasks.create', { title: 'begun', topic: 'leased' })
  await b.pact.append([{ type: 'task.claim', payload: { task: id, lease_ms: 10_000 }, timestamp: Date.now() - 8_500 }])
  await settled(a, b)
  await cuts.shift()!()
  a.use(triggers).pause('leased', false)
  await eventually(() => runsOf(a, 'leased')[0]?.reason)
  expect(runsOf(a, 'leased')).toMatchObject([{ state: 'pending', reason: 'another agent works on its task' }])
  const [run] = await inState(a, 'leased', 'succeeded')
  expect(worked(id)).toEqual([`${id} ${run!.key}`])

  // Back again, it believes that the task is still its own, and asks before it goes on.
  b.use(triggers).runs.claiming(runsOf(b, 'leased')[0]!.no, true)
  b.use(triggers).pause('leased', false)
  await eventually(() => b.pact.record(b.pact.length - 1).then(record => record?.entry?.type === 'task.renew'))
  expect(runsOf(b, 'leased')).toMatchObject([{ state: 'running', pid: null, key: run!.key }])
  cuts.push(connect(a.pact, b.pact))
  expect(await inState(b, 'leased', 'skipped')).toMatchObject([{ reason: 'its task is complete' }])
  expect(worked(id)).toHaveLength(1)
})

test('authors: only those who are trusted fire, whatever an entry says; forged and replayed ones never', async () => {
  programs.script('fires', 'exit 0')
  const on = (id: string, trust?: object) => ({
    id,
    match: { type: 'knowledge', topic: 'who' },
    run: 'fires',
    approve: 'never',
    trust,
  })
  await settled(a, b, c)
  await setTriggers(a, [
    on('mine'),
    on('admins', { roles: ['admin'] }),
    on('members', { roles: ['member'] }),
    on('by-b', { authors: [b.identity.key.toString('hex')] }),
    on('by-agent', { authors: [c.identity.defaultAgent.key.toString('hex')] }),
  ])
  const mine = await record(a, 'who', 'by the owner')
  const posing = {
    content: 'I am the owner',
    author: a.identity.defaultAgent.handle,
    identity: a.identity.key.toString('hex'),
  }
  const ofB = (
    await b.pact.append([{ type: 'knowledge', topic: 'who', payload: posing, caused_by: mine, hops: 0 }])
  )[0]!.id
  const ofC = await record(c, 'who', 'by another')
  // Signed by b and said to be by a; carrying a's own entry under b's signature; its own entry a second time.
  const payload = Buffer.from(JSON.stringify(posing))
  const forged = forgedBlock(b, { topic: 'who', payload, agent: a.identity.defaultAgent.key })
  const replayed = forgedBlock(b, { topic: 'who', payload, n: 200_000 })
  await b.pact.base.append(forged)
  await b.pact.base.append(replayed)
  await b.pact.base.append(replayed)
  await settled(a, b, c)
  const fired = (id: string) =>
    eventually(() => runsOf(a, id).every(({ state }) => state === 'succeeded')).then(() =>
      runsOf(a, id).map(({ entry }) => entry),
    )
  const again = runsOf(a, 'by-b')[1]?.entry
  expect(again).toMatch(/-200000$/)
  expect(await fired('mine')).toEqual([mine])
  expect(await fired('admins')).toEqual([mine])
  expect((await fired('members')).sort()).toEqual([ofB, ofC, again].sort())
  expect(await fired('by-b')).toEqual([ofB, again])
  expect(await fired('by-agent')).toEqual([ofC])
  // An event that a reorder brought again is counted again.
  expect(stopped(a, 'mine').stopped).toBeGreaterThanOrEqual(3)
  expect(stopped(a, 'mine').last_stopped).toMatchObject({ reason: 'its author is not trusted' })
  const { entries } = a.use(readModel).entries(a.pact, { type: 'knowledge', topic: 'who', verdict: 'refused' })
  expect(entries.map(({ verdict }) => verdict)).toEqual(['bad-signature'])
})
