/** POST over HTTP by 1, 16 and 64 clients, in turns with a bare Autobase, so that neither profits from a quiet moment. */
import type { Bench } from '../bench.ts'
import { inFlight, type Run } from '../measure.ts'
import { paced } from '../report.ts'

export async function writes(bench: Bench): Promise<void> {
  const rounds = bench.quick ? 2 : 5
  const { client } = await bench.founder()
  const raw = bench.raw()
  await raw.ask('open', { directory: bench.directory() })
  const warm = bench.quick ? 500 : 3000
  await inFlight(warm, 64, () => client.write())
  await raw.ask('append', { count: warm, inFlight: 64 })

  for (const clients of [1, 16, 64]) {
    const count = (bench.quick ? 60 : 200) * (clients === 1 ? 1 : 10)
    const [ours, theirs]: [Run[], Run[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      theirs.push(await raw.ask('append', { count, inFlight: clients }))
      ours.push(await inFlight(count, clients, () => client.write()))
    }
    const row = bench.report.row(`POST, ${clients} in flight`, paced(...ours), paced(...theirs))
    const p50 = Number(row.ours.p50) / Number(row.raw?.p50)
    if (clients === 1) bench.report.mark('one-client POST p50, of raw', p50, 'at most', 1.5, '×')
    if (clients === 64) {
      bench.report.mark('64 in flight, of raw', 100 * Number(row.ratio), 'at least', 35, '%')
      bench.report.mark('64 in flight', Number(row.ours.value), 'at least', 1500, '/s')
    }
  }
}
