/** Many pacts in one daemon: what they take together while nobody asks for anything, and how long the daemon takes to start with them. */
import { readFile } from 'node:fs/promises'
import type { Bench } from '../bench.ts'
import { Client } from '../client.ts'
import { memory } from '../footprint.ts'
import { inFlight, median, sleep } from '../measure.ts'
import { paced } from '../report.ts'

const MB = 1_000_000
/** Clock ticks of /proc per second, on every Linux that Node supports. */
const TICKS = 100

export async function pacts(bench: Bench): Promise<void> {
  const [count, size] = bench.quick ? [4, 100] : [24, 2000]
  const { daemon, client } = await bench.daemon()
  const connect = () => Array.from({ length: count }, (_, i) => new Client(daemon, `pact-${i}`))
  for (let i = 0; i < count; i++) await client.daemonPost('/v1/pacts', { name: `Pact ${i}`, alias: `pact-${i}` })
  let clients = connect()
  const load = await inFlight(count * size, 64, i => (clients[i % count] as Client).write())
  bench.report.row(`${count} pacts of ${size}: loading, 64 in flight`, paced(load))

  const starts: number[] = []
  for (let i = 0; i < 3; i++) {
    // Connections of the old process must not be used again.
    for (const each of clients) each.close()
    await daemon.stop()
    clients = connect()
    const started = performance.now()
    await daemon.start()
    await Promise.all(clients.map(each => each.list(1)))
    starts.push(performance.now() - started)
  }
  const start = median(starts)
  bench.report.row(`${count} pacts: start until each answers a list`, { value: start, unit: 'ms' })
  await sleep(bench.quick ? 2000 : 20_000)

  const seconds = bench.quick ? 2 : 30
  const before = await cpuSeconds(daemon.pid)
  await sleep(seconds * 1000)
  const busy = ((await cpuSeconds(daemon.pid)) - before) / seconds
  const used = await memory(daemon.pid)
  bench.report.row(`${count} pacts: memory when idle`, { value: used / MB, unit: 'MB' })
  bench.report.row(`${count} pacts: CPU when idle`, { value: busy * 100, unit: '%' })
  for (const each of clients) each.close()
  bench.report.mark(`${count} pacts, memory`, used / MB, 'at most', 500, 'MB')
  bench.report.mark(`${count} pacts, start`, start / 1000, 'at most', 4, 's')
  bench.report.mark(`${count} pacts, CPU when idle`, busy * 100, 'at most', 1, '%')
}

/** CPU that a process has used so far, s. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field, the name, may hold spaces: everything is counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}
