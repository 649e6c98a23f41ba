import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hookKinds } from '../../../kernel/index.ts'
import builtIn from '../../../openpact.config.ts'
import { operations } from '../../../plugins/operations/service.ts'
import { type KernelGroup, kernels } from '../../../test/support/kernels.ts'

let group: KernelGroup
beforeAll(async () => {
  // By path, as a third party's: through the loader, with `openpact` being the running copy.
  group = await kernels(1, [
    ...(builtIn.plugins ?? []),
    { plugin: 'http', config: { port: 0 } },
    `${import.meta.dirname}/index.ts`,
  ])
})
afterAll(() => group.dispose())

test('a plugin from outside runs end to end', async () => {
  const [kernel] = group.kernels
  const caller = { agent: kernel!.identity.defaultAgent.name, pacts: null, operations: null }
  const invoke = async (name: string, input: object) =>
    (await kernel!.use(operations).invoke(name, input, { caller, pact: 'test' })).output
  const { id } = (await invoke('polls.ask', { question: 'Tabs?', options: ['yes', 'no'] })) as { id: string }
  await invoke('polls.vote', { id, option: 'no' })
  await expect(invoke('polls.vote', { id, option: 'yes' })).rejects.toMatchObject({ code: 'POLL_VOTED_ALREADY' })
  await expect(invoke('polls.vote', { id, option: 'maybe' })).rejects.toMatchObject({ code: 'POLL_OPTION_UNKNOWN' })
  expect(await invoke('polls.result', { id })).toEqual([{ option: 'no', votes: 1 }])
})

test('the guide lists every hook with its kind', () => {
  const guide = readFileSync(new URL('../../../docs/plugins.md', import.meta.url), 'utf8')
  const listed = [...guide.matchAll(/^\| `([a-z.]+)` \| (\w+) \|/gm)].map(([, name, kind]) => [name, kind])
  expect(Object.fromEntries(listed)).toEqual(hookKinds)
})
