import { expect, test } from 'vitest'
import { HealthWatch } from './health.ts'
import type { Base } from './views.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

function watched(log: { length: number; signedLength: number }, isIndexer = true) {
  const appended: unknown[] = []
  const base = {
    on() {},
    isIndexer,
    view: { log, state: { core: {} } },
    append: async (value: unknown) => void appended.push(value),
    getIndexedInfo: async () => ({ views: [] }),
  }
  return { watch: new HealthWatch(base as unknown as Base, silent), appended }
}

test('confirming that stands still is given a block, more and more seldom', async () => {
  const log = { length: 5, signedLength: 3 }
  const { watch, appended } = watched(log)
  const after: number[] = []
  for (let look = 1; look <= 16; look++) {
    const before = appended.length
    await watch.look()
    if (appended.length > before) after.push(look)
  }
  expect(after).toEqual([2, 4, 8, 16])
  log.signedLength = 4
  await watch.look()
  await watch.look()
  expect(appended).toEqual([null, null, null, null, null])
})

test('nothing is added when all is confirmed, while it moves, or by a machine that is no indexer', async () => {
  const done = watched({ length: 5, signedLength: 5 })
  const reader = watched({ length: 5, signedLength: 3 }, false)
  const log = { length: 5, signedLength: 3 }
  const moving = watched(log)
  for (let look = 0; look < 8; look++) {
    log.length++
    for (const { watch } of [done, reader, moving]) await watch.look()
  }
  for (const { appended } of [done, reader, moving]) expect(appended).toEqual([])
})

test('an index that is ahead of the signatures is repaired when these stand still, not while they move', async () => {
  const key = Buffer.alloc(32)
  const log = { length: 9, signedLength: 3, key }
  let repairs = 0
  const base = {
    on() {},
    isIndexer: false,
    view: { log, state: { core: { key: Buffer.alloc(32, 1), signedLength: 0 } } },
    getIndexedInfo: async () => ({ views: [{ key, length: log.signedLength + 2 }] }),
    repair: async () => void repairs++,
  }
  const watch = new HealthWatch(base as unknown as Base, silent)
  for (let look = 0; look < 20; look++) {
    log.signedLength++
    await watch.look()
  }
  expect(repairs).toBe(0)
  for (let look = 0; look < 20; look++) await watch.look()
  expect(repairs).toBe(1)
  expect(watch.problem).toMatch(/\w/)
})
