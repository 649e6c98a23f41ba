import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { expect, test } from 'vitest'
import { uncached } from './views.ts'

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
