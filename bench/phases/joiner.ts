/** A machine that comes to a pact with history: when it shows the newest entry, and when all of them. */
import type { Bench } from '../bench.ts'
import { inFlight, sharedClock, until } from '../measure.ts'

interface Topics {
  entries: { count: number }[]
}

export async function joiner(bench: Bench): Promise<void> {
  const size = bench.quick ? 1000 : 10_000
  const source = await bench.founder()
  let newest = ''
  await inFlight(size - 1, 64, () => source.client.write())
  newest = (await source.client.write()).id
  const theirs = await bareJoiner(bench, size)

  const guest = await bench.daemon()
  const started = performance.now()
  await bench.join(source, guest)
  const joined = performance.now() - started
  const { client } = guest
  await until('the newest entry', async () => (await client.list(1)).entries[0]?.id === newest)
  const first = performance.now() - started
  await until('all entries', async () => {
    const { entries } = await client.get<Topics>('/knowledge/topics?limit=1000')
    return entries.reduce((sum, { count }) => sum + count, 0) === size
  })
  const all = performance.now() - started

  const ms = (value: number) => ({ value, unit: 'ms' })
  bench.report.row(`joining ${size}: invite and join answered`, ms(joined))
  bench.report.row(`joining ${size}: newest readable`, ms(first), ms(theirs.newest))
  bench.report.row(`joining ${size}: all readable`, ms(all), ms(theirs.all))
  bench.report.mark(`joiner of ${size}, newest`, first / 1000, 'at most', 2, 's')
  bench.report.mark(`joiner of ${size}, all`, all / 1000, 'at most', 8, 's')
}

/** ms from opening the base to its newest block, and to all of them. The joiner is given the keys: nobody invites it. */
async function bareJoiner(bench: Bench, size: number): Promise<{ newest: number; all: number }> {
  const { bootstrap } = bench
  const writer = bench.raw()
  const { key, secret } = await writer.ask('open', { directory: bench.directory() })
  await writer.ask('append', { count: size, inFlight: 64 })
  await writer.ask('meet', { bootstrap })
  const reader = bench.raw()
  const started = sharedClock()
  await reader.ask('open', { directory: bench.directory(), key, secret })
  await reader.ask('meet', { bootstrap })
  const newest = await reader.ask('reach', { length: size })
  const all = await reader.ask('fetch', { length: size })
  return { newest: newest - started, all: all - started }
}
