import { expect, test } from 'vitest'
import type { Call } from './operation.ts'
import { unsettled } from './unsettled.ts'

test('an answer that is not settled says what it waits for, when that is more than a moment', async () => {
  const told: string[] = []
  const call = (waiting: string) =>
    ({ pact: { status: async () => ({ waiting }) }, pending: () => void told.push(waiting) }) as unknown as Call
  const waiting = 'The only indexer (deadbeef) is not reachable.'
  expect(await unsettled(call(waiting))).toEqual({ pending: true, waiting })
  expect(await unsettled(call(''))).toEqual({ pending: true })
  expect(told).toEqual([waiting, ''])
})
