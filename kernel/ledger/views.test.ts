import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Autobase from 'autobase'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { expect, test, vi } from 'vitest'
import { openBase, uncached } from './views.ts'

const encodings = { keyEncoding: 'utf-8', valueEncoding: 'binary', extension: false } as const

async function put(bee: Hyperbee, value: string): Promise<void> {
  const batch = bee.batch()
  await batch.put('holder', Buffer.from(value))
  await batch.flush()
}

test('a reader does not answer nodes of a history that is gone, even where nobody told it of a truncation', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openpact-views-'))
  const store = new Corestore(dir)
  const answers: Record<string, string> = {}
  for (const [name, open] of Object.entries({ hyperbee: (bee: Hyperbee) => bee, ours: uncached })) {
    const core = store.get({ name })
    const bee = open(new Hyperbee(core, encodings))
    await put(bee, 'before')
    expect((await bee.get('holder'))?.value.toString()).toBe('before')
    // As `moveTo` does it: the event tells the old length, so that nothing is forgotten.
    const { length } = core
    core.removeAllListeners('truncate')
    await core.truncate(1)
    core.emit('truncate', length, core.fork)
    const other = new Hyperbee(core, encodings)
    await put(other, 'after')
    answers[name] = (await bee.get('holder'))?.value.toString() ?? ''
  }
  expect(answers).toEqual({ hyperbee: 'before', ours: 'after' })
  await store.close()
  await rm(dir, { recursive: true })
})

test('closing does not wait for an acknowledgement that never ends', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openpact-views-'))
  const apply = async () => {}
  const base = openBase(new Corestore(dir), { key: null, encryptionKey: Buffer.alloc(32, 1), apply })
  const began = new Promise<void>(resolve => {
    // As one that waits for a block which no machine has.
    vi.spyOn(Autobase.prototype, 'ack').mockImplementation(() => {
      resolve()
      return new Promise(() => {})
    })
  })
  await base.ready()
  await began
  const closed = once(base, 'close')
  await base.close()
  await closed
  vi.restoreAllMocks()
  await rm(dir, { recursive: true })
})
