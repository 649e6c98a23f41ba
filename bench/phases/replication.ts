/** From the start of a POST on A until B can read it, in turns with two bare Autobases on the same private DHT. */
import type { Bench, Ours } from '../bench.ts'
import { type Run, sleep } from '../measure.ts'
import { timed } from '../report.ts'

export async function replication(bench: Bench): Promise<void> {
  const [rounds, trials] = bench.quick ? [2, 15] : [4, 60]
  const a = await bench.founder()
  const b = await bench.daemon()
  await bench.join(a, b)
  const raw = await barePair(bench)
  const [there, back, theirs]: [Run, Run, Run] = [run(), run(), run()]
  await visible(a, b, 10)
  await raw(10)
  for (let round = 0; round < rounds; round++) {
    theirs.times.push(...(await raw(trials)))
    there.times.push(...(await visible(a, b, trials)))
    back.times.push(...(await visible(b, a, trials)))
  }
  const row = bench.report.row('POST on A, readable on B', timed(there), timed(theirs))
  bench.report.row('POST on B, readable on A', timed(back), timed(theirs))
  bench.report.mark('A→B readable p50, of the bare pair', Number(row.ratio), 'at most', 1.5, '×')
}

const run = (): Run => ({ times: [], wall: 0 })
/** ms between two trials: each is to find both sides at rest. */
const pause = 25

/** The event stream of the reader says when; that the entry can be read then is checked. */
async function visible(from: Ours, to: Ours, trials: number): Promise<number[]> {
  const seen = new Map<string, number>()
  let wake = () => {}
  const stop = await to.client.follow(id => {
    seen.set(id, performance.now())
    wake()
  })
  const times: number[] = []
  for (let i = 0; i < trials; i++) {
    const started = performance.now()
    const { id } = await from.client.write()
    while (!seen.has(id)) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    await to.client.get(`/entries/${id}`)
    times.push(Number(seen.get(id)) - started)
    await sleep(pause)
  }
  stop()
  return times
}

/** Two bare Autobases that have met; answers how to measure them. */
async function barePair(bench: Bench): Promise<(trials: number) => Promise<number[]>> {
  const writer = bench.raw()
  const { key, secret } = await writer.ask('open', { directory: bench.directory() })
  const reader = bench.raw()
  await reader.ask('open', { directory: bench.directory(), key, secret })
  const { bootstrap } = bench
  let length = 0
  for (const peer of [writer, reader]) await peer.ask('meet', { bootstrap })
  return async trials => {
    const times: number[] = []
    for (let i = 0; i < trials; i++) {
      const reached = reader.ask('reach', { length: ++length })
      const started = await writer.ask('appendOne', {})
      times.push((await reached) - started)
      await sleep(pause)
    }
    return times
  }
}
