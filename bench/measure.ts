/** Times in ms, many at once, and what is said of them. */

export interface Latencies {
  n: number
  /** ms */
  p50: number
  p95: number
  p99: number
  max: number
}

/** Calls made and the time they took together. */
export interface Run {
  times: number[]
  /** ms from the first start to the last end */
  wall: number
}

export function latencies(times: readonly number[]): Latencies {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (q: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN
  return { n: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

/** Per second, over all of the runs. */
export function rate(runs: readonly Run[]): number {
  const calls = runs.reduce((sum, { times }) => sum + times.length, 0)
  return (1000 * calls) / runs.reduce((sum, { wall }) => sum + wall, 0)
}

export function median(values: readonly number[]): number {
  return latencies(values).p50
}

/** Calls `fn` `count` times with `inFlight` under way at any moment. */
export async function inFlight(count: number, inFlight: number, fn: (i: number) => Promise<unknown>): Promise<Run> {
  const times: number[] = []
  let next = 0
  const started = performance.now()
  const client = async () => {
    while (next < count) {
      const start = performance.now()
      await fn(next++)
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, inFlight) }, client))
  return { times, wall: performance.now() - started }
}

/** ms until `probe` answers true; asks again after `pause` ms. @throws Error after `limit` ms */
export async function until(what: string, probe: () => Promise<boolean>, pause = 5, limit = 300_000): Promise<number> {
  const started = performance.now()
  while (!(await probe())) {
    if (performance.now() - started > limit) throw new Error(`not within ${limit} ms: ${what}`)
    await sleep(pause)
  }
  return performance.now() - started
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** ms on a clock that all processes of this machine share. */
export function sharedClock(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
