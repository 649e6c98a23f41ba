import { afterEach, expect, test } from 'vitest'
import { connect, type KernelGroup, kernels, until } from '../../test/support/kernels.ts'
import { definePlugin } from '../index.ts'
import { Type } from '../json-schema.ts'

let group: KernelGroup | null = null
afterEach(async () => {
  await group?.dispose()
  group = null
})

const notes = definePlugin({
  name: 'notes',
  version: '1.0.0',
  api: 1,
  summary: 'notes for tests',
  entryTypes: [{ name: 'note', v: 1, summary: 'a note', payload: Type.Object({ text: Type.String() }) }],
})

test('two kernels with plugins hold one pact, over a restart', async () => {
  group = await kernels(2, [notes])
  const [a, b] = group.kernels
  await a!.pact.append([{ type: 'note', payload: { text: 'one' } }])
  await b!.restart()
  connect(a!.pact, b!.pact)
  await until(b!.pact, () => b!.pact.length === 3)
  expect((await b!.pact.record(2))?.entry?.type).toBe('note')
  await expect(a!.pact.append([{ type: 'note', payload: { text: 1 } }])).rejects.toMatchObject({
    code: 'PAYLOAD_INVALID',
  })
  await expect(a!.pact.append([{ type: 'nope', payload: {} }])).rejects.toMatchObject({ code: 'ENTRY_TYPE_UNKNOWN' })
})
