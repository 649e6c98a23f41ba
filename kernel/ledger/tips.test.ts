import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from './store.ts'
import { Tips } from './tips.ts'

const chain = (n: number) => Buffer.alloc(32, n)

test('a chain is known by what the log holds, not by its length', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openpact-tips-'))
  const store = openStore(dir)
  const log = store.get({ name: 'log' })
  await log.ready()
  const tips = new Tips()
  expect(tips.of(log)).toBeNull()

  await log.append([Buffer.from('a'), Buffer.from('b')])
  tips.remember(log, chain(1))
  expect(tips.of(log)).toEqual(chain(1))

  await log.truncate(1)
  expect(tips.of(log)).toBeNull()
  await log.append(Buffer.from('other'))
  expect(tips.of(log)).toBeNull()
  tips.remember(log, chain(2))

  await log.truncate(1)
  await log.append(Buffer.from('b'))
  expect(tips.of(log)).toEqual(chain(1))
  await store.close()
  await rm(dir, { recursive: true, force: true })
})
