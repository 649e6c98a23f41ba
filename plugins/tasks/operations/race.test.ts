/** Claims between machines: real ledgers joined by pipes, so that partitions are exact. The first machine is the only indexer. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OpenPactError } from '../../../kernel/index.ts'
import { connect, type KernelGroup, kernels, type TestKernel, until } from '../../../test/support/kernels.ts'
import access from '../../access/index.ts'
import operationsPlugin from '../../operations/index.ts'
import { type Answer, operations } from '../../operations/service.ts'
import readModelPlugin from '../../read-model/index.ts'
import { readModel } from '../../read-model/service.ts'
import store from '../../store/index.ts'
import tasks from '../index.ts'
import type { TaskState } from '../state.ts'

let group: KernelGroup
let a: TestKernel
let b: TestKernel

beforeAll(async () => {
  group = await kernels(2, [
    store,
    access,
    readModelPlugin,
    { plugin: operationsPlugin, config: { check_output: true } },
    tasks,
  ])
  ;[a, b] = group.kernels as [TestKernel, TestKernel]
})
afterAll(() => group.dispose())

const ask = (kernel: TestKernel, name: string, input: object): Promise<Answer> =>
  kernel.use(operations).invoke(`tasks.${name}`, input, {
    caller: { agent: kernel.identity.defaultAgent.name, pacts: null, operations: null },
    pact: 'test',
  })
const get = async (kernel: TestKernel, name: string, input: object) =>
  (await ask(kernel, name, input)).output as TaskState
const handle = (kernel: TestKernel) => kernel.identity.defaultAgent.handle

/** Resolves when both machines have the same log, confirmed to its end, and have indexed it. */
async function settled() {
  await until(b.pact, async () => {
    const [left, right] = [a.pact, b.pact].map(pact => [pact.length, pact.confirmed].join())
    return left === right && a.pact.length === a.pact.confirmed && (await chain(a)) === (await chain(b))
  })
  for (const kernel of [a, b]) await kernel.use(readModel).sync(kernel.pact)
}
const chain = async ({ pact }: TestKernel) => (await pact.record(pact.length - 1))?.chain.toString('hex')

/** A task that both machines know. Leaves them joined. */
async function shared(): Promise<{ id: string; cut: () => Promise<void> }> {
  const cut = connect(a.pact, b.pact)
  const { id } = await get(a, 'create', { title: 'shared' })
  await settled()
  return { id, cut }
}

const outcome = (claim: Promise<Answer>) =>
  claim.then(
    ({ output, pending }) => ({ won: true as const, pending, state: output as TaskState, error: null }),
    (error: OpenPactError) => ({ won: false as const, pending: false, state: null, error }),
  )

test('races: one success each, and the loser learns who won', async () => {
  for (let round = 0; round < 10; round++) {
    const { id, cut } = await shared()
    const answers = await Promise.all([a, b].map(kernel => outcome(ask(kernel, 'claim', { id }))))
    const [winner, ...more] = answers.filter(({ won }) => won)
    const loser = answers.find(({ won }) => !won)
    expect(more, `round ${round}`).toEqual([])
    expect(winner?.pending).toBe(false)
    expect(winner?.state).toMatchObject({ status: 'claimed', confirmed: true })
    expect(loser?.error).toMatchObject({ code: 'TASK_NOT_OPEN', kind: 'conflict' })
    expect(loser?.error?.details.claimed_by).toBe(winner?.state?.claimed_by)
    await settled()
    for (const kernel of [a, b]) {
      const state = await get(kernel, 'show', { id })
      expect(state.claimed_by).toBe(winner?.state?.claimed_by)
      expect(state.history?.filter(({ what }) => what === 'claimed')).toHaveLength(1)
    }
    await cut()
  }
})

test('a claim that was accepted here and is refused when confirmed answers the refusal', async () => {
  const { id, cut } = await shared()
  await cut()
  const alone = outcome(ask(b, 'claim', { id, timeout: 20_000 }))
  await until(b.pact, async () => (await get(b, 'show', { id })).status === 'claimed')
  await get(a, 'claim', { id })
  const join = connect(a.pact, b.pact)
  expect((await alone).error).toMatchObject({ code: 'TASK_NOT_OPEN', details: { claimed_by: handle(a) } })
  await join()
})

test('without the indexer a claim is pending, or provisional when that is asked for, and settles later', async () => {
  const { id, cut } = await shared()
  await cut()
  const applied = await ask(b, 'claim', { id, until: 'applied' })
  expect(applied).toMatchObject({ pending: false, output: { status: 'claimed', confirmed: false, provisional: true } })
  const again = await ask(b, 'claim', { id, timeout: 50 })
  expect(again).toMatchObject({ pending: true, output: { status: 'claimed', pending: true, provisional: true } })
  const { id: other } = await get(b, 'create', { title: 'written alone' })
  const waiting = await ask(b, 'claim', { id: other, timeout: 50 })
  expect(waiting).toMatchObject({ pending: true, output: { claimed_by: handle(b), confirmed: false } })
  // Claiming again waits for the earlier claim.
  const claims = [id, other].map(task => ask(b, 'claim', { id: task, timeout: 60_000 }))
  const join = connect(a.pact, b.pact)
  for (const claim of await Promise.all(claims))
    expect(claim).toMatchObject({ pending: false, output: { claimed_by: handle(b), confirmed: true } })
  await settled()
  for (const task of [id, other]) {
    expect(await get(a, 'show', { id: task })).toMatchObject({ claimed_by: handle(b), confirmed: true })
  }
  await join()
})

test('claiming again after a claim that was pending tells the loser, once it is known', async () => {
  const { id, cut } = await shared()
  await cut()
  await get(a, 'claim', { id })
  expect(await ask(b, 'claim', { id, timeout: 50 })).toMatchObject({ pending: true })
  const again = outcome(ask(b, 'claim', { id, timeout: 60_000 }))
  const join = connect(a.pact, b.pact)
  expect((await again).error).toMatchObject({ code: 'TASK_NOT_OPEN', details: { claimed_by: handle(a) } })
  await settled()
  await join()
})

test('a task that was completed on one side of a partition stays so, whatever the other side does late', async () => {
  const { id, cut } = await shared()
  await cut()
  await get(a, 'claim', { id })
  await get(a, 'complete', { id, result: 'by a' })
  expect(await get(b, 'claim', { id, until: 'applied' })).toMatchObject({ claimed_by: handle(b), provisional: true })
  await get(b, 'complete', { id, result: 'by b' })
  const join = connect(a.pact, b.pact)
  await settled()
  for (const kernel of [a, b]) {
    const state = await get(kernel, 'show', { id })
    expect(state).toMatchObject({ status: 'complete', claimed_by: handle(a), result: 'by a', confirmed: true })
    expect(state.history?.map(({ what }) => what)).toEqual(['recorded', 'claimed', 'completed'])
    const refused = kernel
      .use(readModel)
      .entries(kernel.pact, { type: ['task.claim', 'task.complete'], verdict: 'refused', limit: 2 })
    expect(refused.entries.map(({ verdict, author }) => [verdict, author])).toEqual([
      ['task-complete', handle(b)],
      ['task-complete', handle(b)],
    ])
  }
  expect((await outcome(ask(b, 'claim', { id }))).error?.code).toBe('TASK_COMPLETE')
  await join()
})

test('work finished alone by a member is kept when nobody else took the task, lease or not', async () => {
  const { id, cut } = await shared()
  await cut()
  const claim = { type: 'task.claim', payload: { task: id, lease_ms: 10_000 }, timestamp: Date.now() - 60_000 }
  await b.pact.append([claim])
  await get(b, 'complete', { id, result: 'offline' })
  const join = connect(a.pact, b.pact)
  await settled()
  expect(await get(a, 'show', { id })).toMatchObject({ status: 'complete', result: 'offline', claimed_by: handle(b) })
  await join()
})

test('a lease that ends by ledger time goes to whoever claims next', async () => {
  const { id, cut } = await shared()
  const claim = { type: 'task.claim', payload: { task: id, lease_ms: 10_000 }, timestamp: Date.now() - 60_000 }
  await b.pact.append([claim])
  await settled()
  expect(await get(a, 'claim', { id })).toMatchObject({ claimed_by: handle(a), lease_expired: false })
  await settled()
  const { error } = await outcome(ask(b, 'complete', { id }))
  expect(error?.code).toBe('NOT_CLAIMANT')
  await cut()
})

test('ledger time is brought past the end of a lease by the indexer, for a claim of another machine', async () => {
  const { id, cut } = await shared()
  await a.pact.append([{ type: 'tick', payload: {} }])
  await settled()
  const time = await a.pact.time()
  // Over one second after the newest thing that ledger time knows.
  const claim = { type: 'task.claim', payload: { task: id, lease_ms: 10_000 }, timestamp: time - 9_000 }
  await b.pact.append([claim])
  await until(b.pact, async () => (await get(b, 'show', { id })).lease_expired)
  expect(await b.pact.time()).toBeGreaterThanOrEqual(time + 1_000)
  await settled()
  for (const kernel of [a, b]) {
    const happened = await kernel.use(readModel).changes(kernel.pact, 0, 1000)
    const changes = happened.flatMap(each => each.changes).filter(each => each.id === id)
    expect(changes.map(({ kind }) => kind)).toEqual(['task.open', 'task.ready', 'task.claimed', 'task.overdue'])
  }
  await cut()
})

test('what this machine knows to be hopeless is not written down', async () => {
  const { id, cut } = await shared()
  await get(a, 'claim', { id })
  await settled()
  const { length } = b.pact
  expect((await outcome(ask(b, 'claim', { id }))).error).toMatchObject({ code: 'TASK_NOT_OPEN' })
  expect(b.pact.length).toBe(length)
  await cut()
})

test('an assigned task is for its assignee on every machine', async () => {
  const cut = connect(a.pact, b.pact)
  const { id } = await get(a, 'create', { title: 'for b', assignee: handle(b) })
  await settled()
  expect((await outcome(ask(a, 'claim', { id }))).error).toMatchObject({ code: 'NOT_ASSIGNEE', kind: 'forbidden' })
  expect(await get(b, 'claim', { id })).toMatchObject({ claimed_by: handle(b), assignee: handle(b) })
  await cut()
})

test('an admin gives back what another agent holds', async () => {
  const { id, cut } = await shared()
  await get(b, 'claim', { id })
  await settled()
  expect(await get(a, 'release', { id, reason: 'gone' })).toMatchObject({ status: 'open', claimed_by: null })
  await get(a, 'claim', { id })
  await settled()
  expect((await outcome(ask(b, 'release', { id }))).error?.code).toBe('NOT_CLAIMANT')
  await cut()
})

test('after all of it both machines say the same, and the same as a rebuild', async () => {
  const cut = connect(a.pact, b.pact)
  await settled()
  const dumps: string[] = []
  for (const kernel of [a, b]) {
    const model = kernel.use(readModel)
    dumps.push(model.dump(kernel.pact))
    await model.rebuild()
    dumps.push(model.dump(kernel.pact))
  }
  expect(dumps[1]).toBe(dumps[0])
  expect(dumps[3]).toBe(dumps[2])
  await cut()
})
