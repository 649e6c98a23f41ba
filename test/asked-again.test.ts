/** Asking again for what was written before a restart, while it was not confirmed: real ledgers joined by pipes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import access from '../plugins/access/index.ts'
import operationsPlugin from '../plugins/operations/index.ts'
import { operations } from '../plugins/operations/service.ts'
import readModelPlugin from '../plugins/read-model/index.ts'
import store from '../plugins/store/index.ts'
import tasks from '../plugins/tasks/index.ts'
import { connect, type KernelGroup, kernels, type TestKernel, until } from './support/kernels.ts'

let group: KernelGroup
beforeAll(async () => {
  group = await kernels(2, [store, access, readModelPlugin, operationsPlugin, tasks])
})
afterAll(() => group.dispose())

test('a claim from before a restart is waited for, with its key and without', async () => {
  const [indexer, worker] = group.kernels as [TestKernel, TestKernel]
  const ask = async (name: string, input: object, idempotencyKey?: string) => {
    const caller = { agent: worker.identity.defaultAgent.name, pacts: null, operations: null }
    const { output } = await worker.use(operations).invoke(name, input, { caller, pact: 'test', idempotencyKey })
    return output as { id: string; pending?: true }
  }
  const { id } = await ask('tasks.create', { title: 'alone' })
  const claim = (timeout: number, key?: string) => ask('tasks.claim', { id, timeout }, key)
  expect(await claim(0, 'k1')).toMatchObject({ status: 'claimed', pending: true })
  await worker.restart()
  expect(worker.pact.receipt(`${worker.pact.writer.toString('hex', 0, 4)}-2`)).toBeNull()
  const waiting = [claim(60_000, 'k1'), claim(60_000)]
  const cut = connect(indexer.pact, worker.pact)
  for (const answer of await Promise.all(waiting)) {
    expect(answer).toMatchObject({ id, status: 'claimed' })
    expect(answer.pending).toBeUndefined()
  }
  expect(await claim(0)).not.toHaveProperty('pending')
  await until(indexer.pact, () => indexer.pact.length === worker.pact.length)
  await cut()
})
