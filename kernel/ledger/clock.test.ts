import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LedgerClock } from './clock.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

function clock(time: () => number, indexer = true) {
  const ticks: number[] = []
  const made = new LedgerClock({
    indexer: async () => indexer,
    time: async () => time(),
    tick: async () => void ticks.push(Date.now()),
  })
  return { made, ticks }
}

test('an indexer ticks once ledger time is behind a moment, nobody else does', async () => {
  for (const indexer of [true, false]) {
    const { made, ticks } = clock(() => 0, indexer)
    made.wakeAt(Date.now() + 5000)
    await vi.advanceTimersByTimeAsync(4999)
    expect(ticks).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(1100)
    expect(ticks).toHaveLength(indexer ? 1 : 0)
  }
})

test('two who wait for the same millisecond are both heard, whichever comes last', async () => {
  const moment = Date.now() + 10
  for (const order of [
    [undefined, () => false],
    [() => false, undefined],
  ]) {
    const { made, ticks } = clock(() => 0)
    for (const wanted of order) made.wakeAt(moment, wanted)
    await vi.advanceTimersByTimeAsync(1100)
    expect(ticks).toHaveLength(1)
  }
})

test('what nobody wants any more needs no tick, and neither does what a tick was newer than', async () => {
  const { made, ticks } = clock(() => Number.POSITIVE_INFINITY)
  made.wakeAt(Date.now() + 10)
  made.wakeAt(Date.now() + 20, () => false)
  made.wakeAt(Date.now() + 30, () => true)
  made.onTick(Date.now() + 30)
  await vi.advanceTimersByTimeAsync(3000)
  expect(ticks).toHaveLength(0)
  made.close()
})
