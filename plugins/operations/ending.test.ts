/** What waits does so no longer than its caller's token lives. The second machine meets nobody, so nothing that it writes is ever confirmed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KernelGroup, kernels, type TestKernel, until } from '../../test/support/kernels.ts'
import { surface } from '../../test/support/local-door.ts'
import { access as accessRef } from '../access/service.ts'
import { http } from '../http/route.ts'
import knowledge from '../knowledge/index.ts'
import { operations } from './service.ts'

let group: KernelGroup
let kernel: TestKernel

beforeAll(async () => {
  group = await kernels(2, [...surface(), knowledge])
  kernel = group.kernels[1]!
})
afterAll(() => group.dispose())

const agent = () => kernel.identity.defaultAgent.name
/** ms; a test has less. */
const LONG = 600_000
const input = { topic: 'ending', content: 'x', until: 'confirmed', timeout: LONG }

/** Asks for a confirmation that never comes; answers when the entry is written. */
async function asked(token: string): Promise<{ answer: Promise<Response> }> {
  const { length } = kernel.pact
  const answer = fetch(`${kernel.use(http).url}/v1/pacts/test/knowledge`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  await until(kernel.pact, () => kernel.pact.length > length)
  return { answer }
}

test.each<[string, () => Promise<{ token: string; end: () => Promise<unknown> }>]>([
  [
    'revoked',
    async () => {
      const { token, info } = await kernel.use(accessRef).issue({ agent: agent() })
      return { token, end: () => kernel.use(accessRef).revoke(info.id) }
    },
  ],
  ['rotated', async () => ({ token: await kernel.use(accessRef).rotate(), end: () => kernel.use(accessRef).rotate() })],
  [
    'over',
    async () => {
      const { token } = await kernel.use(accessRef).issue({ agent: agent(), lifetime: 500 })
      return { token, end: async () => {} }
    },
  ],
])('a write that waits to be confirmed is answered as pending when its token is %s', async (_how, made) => {
  const { token, end } = await made()
  const { answer: waiting } = await asked(token)
  await end()
  const answer = await waiting
  expect(answer.status).toBe(202)
  expect(await answer.json()).toMatchObject({ topic: 'ending', confirmed: false, pending: true })
})

test('whoever has gone before it waits is not waited for', async () => {
  const caller = { agent: agent(), pacts: null, operations: null }
  const invocation = { caller, pact: 'test', signal: AbortSignal.abort() }
  const { pending } = await kernel.use(operations).invoke('knowledge.record', { ...input }, invocation)
  expect(pending).toBe(true)
})
