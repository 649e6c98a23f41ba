/** Messages and skills between machines: real ledgers joined by pipes, so that partitions are exact. The first is the only indexer. */
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import access from '../plugins/access/index.ts'
import attachmentsPlugin from '../plugins/attachments/index.ts'
import { attachments } from '../plugins/attachments/service.ts'
import messages from '../plugins/messages/index.ts'
import operationsPlugin from '../plugins/operations/index.ts'
import { operations } from '../plugins/operations/service.ts'
import readModelPlugin from '../plugins/read-model/index.ts'
import { readModel } from '../plugins/read-model/service.ts'
import skills from '../plugins/skills/index.ts'
import store from '../plugins/store/index.ts'
import { eventually } from './support/daemon.ts'
import { connect, type KernelGroup, kernels, type TestKernel, until } from './support/kernels.ts'

let group: KernelGroup
let a: TestKernel
let b: TestKernel
let c: TestKernel

beforeAll(async () => {
  const served = { plugin: operationsPlugin, config: { check_output: true } }
  group = await kernels(3, [store, access, readModelPlugin, served, messages, attachmentsPlugin, skills])
  ;[a, b, c] = group.kernels as [TestKernel, TestKernel, TestKernel]
})
afterAll(() => group.dispose())

const ask = async (kernel: TestKernel, name: string, input: object = {}): Promise<Record<string, unknown>> => {
  const caller = { agent: kernel.identity.defaultAgent.name, pacts: null, operations: null }
  const { output } = await kernel.use(operations).invoke(name, input, { caller, pact: 'test' })
  return output as Record<string, unknown>
}
const words = async (kernel: TestKernel, input: object = {}) => {
  const { entries } = (await ask(kernel, 'messages.inbox', input)) as { entries: { payload: { content: string } }[] }
  return entries.map(({ payload }) => payload.content)
}
/** Resolves when two machines have the same log and have indexed it. */
async function same(one: TestKernel, other: TestKernel): Promise<void> {
  const head = async ({ pact }: TestKernel) => (await pact.record(pact.length - 1))?.chain.toString('hex')
  await until(other.pact, async () => (await head(one)) === (await head(other)))
  for (const kernel of [one, other]) await kernel.use(readModel).sync(kernel.pact)
}

test('a message that comes in late, before others in the ledger, is unread once; what was read stays read', async () => {
  let cut = connect(a.pact, b.pact)
  await ask(a, 'messages.send', { content: 'first' })
  await same(a, b)
  await cut()
  // Written on both sides of the cut: b's own are moved behind a's when they meet.
  await ask(b, 'messages.send', { content: 'by b', topic: 'x' })
  await ask(b, 'messages.send', { content: 'by b again' })
  const { mark } = await ask(b, 'messages.inbox')
  expect(await ask(b, 'messages.read', { up_to: mark })).toEqual({ marked: 1, unread: 0 })
  await ask(a, 'messages.send', { content: 'late' })
  await ask(a, 'messages.send', { content: 'for b', to: b.identity.defaultAgent.handle, priority: 'urgent' })
  cut = connect(a.pact, b.pact)
  await same(a, b)
  expect(await words(b)).toEqual(['for b', 'late'])
  expect(await words(b, { all: true })).toEqual(['for b', 'late', 'first'])
  expect(await words(a)).toEqual(['by b', 'by b again'])
  await expect(ask(a, 'messages.inbox', { agent: b.identity.defaultAgent.handle })).rejects.toMatchObject({
    code: 'INBOX_ELSEWHERE',
  })
  await cut()
})

test('a name belongs to who used it first, and a version is the first of it in the log, on every machine', async () => {
  const skill = (kernel: TestKernel, version: string, content: string) =>
    ask(kernel, 'skills.publish', { name: 'shared', version, content, description: 'd' })
  const onBoth = async (name: string, input: object) => {
    const [one, other] = [await ask(a, name, input), await ask(b, name, input)]
    expect(one).toEqual(other)
    return one
  }
  // Neither has heard of the other's: both are accepted, and b's come behind a's when they meet.
  const lost = await skill(b, '1.0.0', 'by b')
  const stands = await skill(a, '1.0.0', 'by a')
  const cut = connect(a.pact, b.pact)
  await same(a, b)
  const higher = await skill(b, '2.0.0', 'higher, by b')
  await expect(skill(b, '1.0.0', 'again')).rejects.toMatchObject({ code: 'SKILL_VERSION_EXISTS' })
  await same(a, b)
  const { entries } = (await ask(b, 'skills.list', { name: 'shared' })) as {
    entries: { id: string; standing: string }[]
  }
  expect(entries.map(each => [each.id, each.standing])).toEqual([
    [higher.id, 'other-author'],
    [lost.id, 'superseded'],
    [stands.id, 'stands'],
  ])
  expect(await onBoth('skills.content', { id: 'shared' })).toMatchObject({ content: 'by a' })
  expect(await onBoth('skills.content', { id: 'shared@1.0.0' })).toMatchObject({ content: 'by a' })
  await expect(ask(a, 'skills.install', { id: 'shared@2.0.0' })).rejects.toMatchObject({
    code: 'SKILL_OF_ANOTHER_AUTHOR',
    message: expect.stringContaining(b.identity.defaultAgent.handle),
    help: expect.stringContaining('--author'),
  })
  const author = b.identity.defaultAgent.handle
  expect(await onBoth('skills.content', { id: 'shared', author })).toMatchObject({ content: 'higher, by b' })
  expect(await onBoth('skills.content', { id: String(lost.id) })).toMatchObject({ content: 'by b' })
  expect(await ask(a, 'skills.install', { id: 'shared@2.0.0', author })).toMatchObject({ version: '2.0.0', author })
  await expect(ask(a, 'skills.show', { id: 'shared', author: 'nobody-000000' })).rejects.toMatchObject({
    code: 'SKILL_UNKNOWN',
  })
  await cut()
})

test('content whose machine is asleep is said to be missing, comes by itself, and is served on without its source', async () => {
  const content = randomBytes(150_000).toString('hex')
  const size = content.length
  const sha256 = createHash('sha256').update(content).digest('hex')
  // c has the content and sleeps, while the others hear of it.
  const attachment = await c.use(attachments).attach(c.pact, Buffer.from(content))
  const about = { name: 'large', version: '1.0.0', format: 'generic', description: 'd', size, sha256 }
  const [receipt] = await a.pact.append([{ type: 'skill', payload: { ...about, attachment } }])
  let cut = connect(a.pact, b.pact)
  await same(a, b)
  expect(await ask(b, 'skills.show', { id: 'large' })).toMatchObject({ id: receipt?.id, here: false })
  for (const name of ['skills.content', 'skills.diff'] as const) {
    const input = { id: 'large', timeout: 0, ...(name === 'skills.diff' ? { from: 'large' } : {}) }
    await expect(ask(b, name, input)).rejects.toMatchObject({
      code: 'SKILL_CONTENT_MISSING',
      message: 'The content of large 1.0.0 is not on this machine yet: 0 of 5 blocks.',
      help: expect.stringContaining('openpact status'),
    })
  }
  await cut()

  cut = connect(c.pact, a.pact)
  // Nobody asks: a fetches it because it is there.
  await eventually('a has the content', () => a.use(attachments).held(a.pact, attachment))
  await cut()
  cut = connect(a.pact, b.pact)
  expect((await ask(b, 'skills.content', { id: 'large' })).content).toBe(content)
  await cut()
  await b.restart()
  expect(await ask(b, 'skills.install', { id: 'large' })).toMatchObject({ name: 'large', sha256 })
})
