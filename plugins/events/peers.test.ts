/** Read model and events over real ledgers that part and meet again. */
import { describe, expect, test } from 'vitest'
import type { Pact } from '../../kernel/index.ts'
import { dataPlugins } from '../../test/support/data-plugins.ts'
import { connect, kernels, type TestKernel } from '../../test/support/kernels.ts'
import { readModel } from '../read-model/service.ts'
import { CORRECTION, events, type PactEvent } from './service.ts'

/** Small and seeded: the same moves in every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return sides => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * sides)
  }
}

/** Resolves when the index of every kernel stands at the same chain as the first one's log, and all of it is confirmed. */
function agree(all: readonly TestKernel[]): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      const { length } = all[0]!.pact
      const states = all.map(kernel => kernel.use(readModel).progress(kernel.pact))
      if (!states.every(({ indexed, confirmed }) => indexed === length && confirmed === length)) return
      for (const undo of undos) undo()
      resolve()
    }
    const undos = all.map(kernel => kernel.use(readModel).onSync(look))
    look()
  })
}

function believed(told: readonly PactEvent[]): PactEvent[] {
  const found = new Map<string, PactEvent>()
  for (const event of told) {
    if (event.kind === CORRECTION) expect(found.delete(event.corrects!)).toBe(true)
    else {
      expect(found.has(event.id)).toBe(false)
      found.set(event.id, event)
    }
  }
  return [...found.values()]
}

async function check(kernel: TestKernel, pact: Pact): Promise<{ dump: string; corrections: number }> {
  const model = kernel.use(readModel)
  const feed = kernel.use(events)
  await feed.settled(pact)
  const dump = model.dump(pact)
  const told = feed.after(0, { pact, limit: 100_000 })
  const me = pact.writer.toString('hex')
  const seat = (await pact.members()).find(({ writer }) => writer === me)!
  const truth = (await model.changes(pact, seat.since + 1, 100_000)).flatMap(({ position, id, changes }) => [
    `${position} ${id} entry-applied`,
    ...changes.map(change => `${position} ${change.id} ${change.kind}`),
  ])
  const now = believed(told)
  expect(now.map(e => `${e.position} ${e.subject_id} ${e.kind}`).sort()).toEqual(truth.sort())
  await model.rebuild()
  expect(model.dump(pact) === dump).toBe(true)
  await feed.settled(pact)
  expect(feed.head()).toBe(told.at(-1)?.seq ?? 0)
  return { dump, corrections: told.filter(({ kind }) => kind === CORRECTION).length }
}

describe('peers that part and meet again', () => {
  test.each([1, 2, 3])(
    'have equal indexes, equal to a rebuild, and events without loss or invention (seed %i)',
    async seed => {
      const group = await kernels(3, dataPlugins)
      const roll = dice(seed)
      const all = group.kernels
      const cuts: (() => Promise<void>)[] = []
      try {
        for (let round = 0; round < 8; round++) {
          for (const cut of cuts.splice(0)) await cut()
          const apart = roll(3)
          for (const [a, b] of [
            [0, 1],
            [1, 2],
            [0, 2],
          ] as const)
            if (a !== apart && b !== apart) cuts.push(connect(all[a]!.pact, all[b]!.pact))
          for (let i = 0; i < 6; i++) {
            const { pact } = all[roll(3)]!
            const payload = { counter: `c${roll(3)}`, by: roll(5) }
            await pact.append(
              Array.from({ length: 1 + roll(3) }, () => ({ type: 'step', topic: `t${roll(2)}`, payload })),
            )
          }
          if (round === 4) await all[1]!.restart()
        }
        for (const cut of cuts.splice(0)) await cut()
        cuts.push(connect(all[0]!.pact, all[1]!.pact), connect(all[0]!.pact, all[2]!.pact))
        await agree(all)
        const found: { dump: string; corrections: number }[] = []
        for (const kernel of all) found.push(await check(kernel, kernel.pact))
        expect(found.every(({ dump }) => dump === found[0]!.dump)).toBe(true)
        expect(found.some(({ corrections }) => corrections > 0)).toBe(true)
      } finally {
        for (const cut of cuts) await cut()
        await group.dispose()
      }
    },
    60_000,
  )
})
