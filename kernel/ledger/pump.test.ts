import { expect, test } from 'vitest'
import type { Checkpoint, Delta } from '../pact.ts'
import type { LogRecord } from './entry.ts'
import { Pump } from './pump.ts'

const chain = (position: number, history = 0) => Buffer.from([position, history])
const records = (from: number, to: number, history = 0) =>
  Array.from(
    { length: to - from },
    (_, i) => ({ position: from + i, chain: chain(from + i + 1, history) }) as LogRecord,
  )

test('a reorder is not told below what is confirmed, although its place could not be read at that moment', async () => {
  const reverted: number[] = []
  const told: Checkpoint[][] = []
  let readable = true
  let view: Omit<Delta, 'common' | 'commonChain' | 'records'> & { history: number } = {
    length: 9,
    confirmed: 5,
    missing: false,
    history: 0,
  }
  const pump = new Pump({
    delta: async checkpoints => {
      told.push([...checkpoints])
      const holds = ({ position, chain: at }: Checkpoint) =>
        position <= view.confirmed || at.equals(chain(position, view.history))
      const common = checkpoints.find(holds) as Checkpoint
      const { length, confirmed, missing, history } = view
      const after = records(common.position, length, history)
      return { common: common.position, commonChain: common.chain, records: after, length, confirmed, missing }
    },
    reverted: async position => void reverted.push(position),
    applied: async () => {},
    confirmed: async () => {},
    checkpoint: async position => (readable ? { position, chain: chain(position) } : null),
  })
  await pump.startAt(5, 5)
  await pump.moved()
  readable = false
  view = { ...view, confirmed: 7 }
  await pump.moved()
  readable = true
  view = { ...view, history: 1 }
  await pump.moved()
  expect(told.at(-1)?.at(-1)?.position).toBe(7)
  expect(reverted).toEqual([7])
})
