/** One pact from small to large: what reading, writing, starting, memory and disk cost at each size. */
import type { Bench, Ours } from '../bench.ts'
import { topics } from '../client.ts'
import { disk, memory } from '../footprint.ts'
import { inFlight, median, type Run, sleep } from '../measure.ts'
import type { RawPeer } from '../raw-peer.ts'
import { type Figure, paced, timed } from '../report.ts'

const MB = 1_000_000

/** Where a directory lies that a bare Autobase works in. */
interface Raw {
  peer: RawPeer
  directory: string
  key: string
  secret: string
}

export async function growth(bench: Bench): Promise<void> {
  const sizes = bench.quick ? [200, 1000, 2000] : [1000, 10_000, 100_000]
  const ours = await bench.founder()
  const directory = bench.directory()
  const peer = bench.raw()
  let raw: Raw = { peer, directory, ...(await peer.ask('open', { directory })) }
  for (let i = 0; i < 200; i++) await ours.client.post('/tasks', { title: `task ${i}` })

  const ids: string[] = []
  const first = new Map<string, number>()
  for (const size of sizes) {
    const missing = size - ids.length
    const load = await inFlight(missing, 64, async () => ids.push((await ours.client.write()).id))
    const loadRaw = await raw.peer.ask('append', { count: missing, inFlight: 64 })
    bench.report.row(`at ${size}: loading, 64 in flight`, paced(load), paced(loadRaw))
    await lone(bench, size, ours, raw)
    await reads(bench, size, ours, raw, ids, first, size === sizes.at(-1))
    await footprint(bench, size, ours, raw)
    raw = await coldStart(bench, size, ours, raw, size === sizes.at(-1))
  }
  await afterStop(bench, ours, raw, sizes.at(-1) as number)
}

/** One client at a time, in turns with the bare Autobase. */
async function lone(bench: Bench, size: number, { client }: Ours, { peer }: Raw): Promise<void> {
  const [mine, theirs]: [Run[], Run[]] = [[], []]
  for (let round = 0; round < 3; round++) {
    const count = bench.quick ? 20 : 60
    theirs.push(await peer.ask('append', { count, inFlight: 1 }))
    mine.push(await inFlight(count, 1, () => client.write()))
  }
  bench.report.row(`at ${size}: POST, 1 in flight`, timed(...mine), timed(...theirs))
}

/** Every kind of reading; each beside the cheapest thing that could answer it. */
async function reads(
  bench: Bench,
  size: number,
  { client }: Ours,
  { peer }: Raw,
  ids: string[],
  first: Map<string, number>,
  last: boolean,
): Promise<void> {
  const count = bench.quick ? 100 : 500
  const pick = (list: readonly string[]) => list[Math.floor(Math.random() * list.length)] as string
  const kinds: [string, () => Promise<unknown>][] = [
    ['by id', () => client.read(`/entries/${pick(ids)}`)],
    ['topic page of 20', () => client.read(`/knowledge?limit=20&topic=topic-${Math.floor(Math.random() * topics)}`)],
    ['list of 50', () => client.read('/knowledge?limit=50')],
    ['open tasks (50)', () => client.read('/tasks?status=open')],
  ]
  const rawGet = timed(await peer.ask('get', { count }))
  for (const [kind, read] of kinds) {
    await inFlight(count / 2, 1, read)
    const figure = timed(await inFlight(count, 1, read))
    bench.report.row(`at ${size}: ${kind}`, figure, kind === 'by id' ? rawGet : undefined)
    const p50 = Number(figure.p50)
    const before = first.get(kind)
    if (before === undefined) first.set(kind, p50)
    if (last) {
      bench.report.mark(`${kind} p50`, p50, 'at most', 1, 'ms')
      bench.report.mark(`${kind} p95`, Number(figure.p95), 'at most', 5, 'ms')
      bench.report.mark(`${kind} p50, of that at the smallest size`, p50 / Number(before), 'at most', 1.3, '×')
    }
  }
  bench.report.row(`at ${size}: GET /v1/ping, the floor`, timed(await inFlight(count, 1, () => client.ping())))
}

async function footprint(bench: Bench, size: number, { daemon }: Ours, { peer, directory }: Raw): Promise<void> {
  const [loaded, loadedRaw] = [await memory(daemon.pid), await memory(peer.pid)]
  bench.report.row(`at ${size}: memory after load`, megabytes(loaded), megabytes(loadedRaw))
  await sleep(bench.quick ? 1000 : 20_000)
  const [idle, idleRaw] = [await memory(daemon.pid), await memory(peer.pid)]
  bench.report.row(`at ${size}: memory when idle`, megabytes(idle), megabytes(idleRaw))
  bench.report.row(
    `at ${size}: disk per entry`,
    { value: (await disk(daemon.dataDir)) / size, unit: 'B' },
    { value: (await disk(directory)) / size, unit: 'B' },
  )
  if (size !== 100_000) return
  bench.report.mark('memory after load, 100 k', loaded / MB, 'at most', 250, 'MB')
  bench.report.mark('memory when idle, 100 k', idle / MB, 'at most', 250, 'MB')
}

/** From the spawn of the process to the first list of 50, or to the newest 50 blocks of the bare base. */
async function coldStart(bench: Bench, size: number, ours: Ours, raw: Raw, last: boolean): Promise<Raw> {
  const { daemon, client } = ours
  const [mine, theirs]: [number[], number[]] = [[], []]
  let { peer } = raw
  for (let round = 0; round < (bench.quick ? 2 : 5); round++) {
    await peer.end()
    let started = performance.now()
    peer = bench.raw()
    const { directory, key, secret } = raw
    await peer.ask('open', { directory, key, secret })
    await peer.ask('get', { count: 50, newest: true })
    theirs.push(performance.now() - started)
    await daemon.stop()
    started = performance.now()
    await daemon.start()
    await client.list(50)
    mine.push(performance.now() - started)
  }
  const all = (times: number[]): Run => ({ times, wall: 0 })
  bench.report.row(`at ${size}: cold start`, timed(all(mine)), timed(all(theirs)))
  if (last) bench.report.mark(`cold start, ${size}`, median(mine) / 1000, 'at most', 1.5, 's')
  await sleep(bench.quick ? 500 : 3000)
  bench.report.row(
    `at ${size}: memory after a start`,
    megabytes(await memory(daemon.pid)),
    megabytes(await memory(peer.pid)),
  )
  return { ...raw, peer }
}

async function afterStop(bench: Bench, { daemon }: Ours, { peer, directory }: Raw, size: number): Promise<void> {
  await daemon.stop()
  await peer.end()
  const perEntry = (await disk(daemon.dataDir)) / size
  const raw = (await disk(directory)) / size
  bench.report.row(`at ${size}: disk per entry, stopped`, { value: perEntry, unit: 'B' }, { value: raw, unit: 'B' })
  bench.report.mark(`disk per entry, ${size}, stopped`, perEntry / 1000, 'at most', 1.8, 'kB')
}

function megabytes(bytes: number): Figure {
  return { value: bytes / MB, unit: 'MB' }
}
