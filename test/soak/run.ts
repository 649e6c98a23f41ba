/** One random run: partitions, reorders, concurrent writes, closes, kills, changes of the indexers; then the checks. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Peer } from './peer.ts'
import { Prng } from './prng.ts'
import { type Patience, World } from './world.ts'

export interface Shape {
  peers: number
  /** Random actions. */
  steps: number
  /** Each peer in a process of its own, killed now and then. */
  kills: boolean
  /** 3: the first three become the indexers at the start, and one of them is replaced half-way. */
  indexers: 1 | 3
}

export interface Outcome {
  seed: number
  faults: string[]
  entries: number
  closes: number
  kills: number
  reverts: number
  nudges: number
  repairs: number
  waits: number
  ms: number
  /** Where the data of a failed run is. */
  kept: string | null
}

export async function run(seed: number, shape: Shape): Promise<Outcome> {
  const started = performance.now()
  const prng = new Prng(seed)
  const world = new World(prng, { peers: shape.peers, processes: shape.kills })
  let faults: string[] = []
  let reverts = 0
  let repairs = 0
  try {
    await world.begin()
    if (shape.indexers === 3) await setIndexers(world, world.peers.slice(0, 3))
    for (let step = 0; step < shape.steps; step++) {
      if (shape.indexers === 3 && step === Math.floor(shape.steps / 2)) await replaceIndexer(world)
      await act(world, shape)
    }
    const reports = await world.end(patience(shape.indexers))
    faults = world.faults(reports)
    for (const { told, health } of reports.values()) {
      reverts += told.reverts
      repairs += health.repairs
    }
  } catch (error) {
    faults = [...world.book.faults, error instanceof Error ? error.message : String(error)]
  }
  await world.dispose(faults.length > 0)
  const { entries, closes, kills, nudges, waits } = world
  const ms = Math.round(performance.now() - started)
  return {
    seed,
    faults,
    entries,
    closes,
    kills,
    reverts,
    nudges,
    repairs,
    waits,
    ms,
    kept: faults.length > 0 ? world.root : null,
  }
}

/** One indexer confirms at once. Several are known to stop now and then until one more entry comes; that is counted. */
function patience(indexers: 1 | 3): Patience {
  return indexers === 1 ? { patience: 20_000, nudges: 0 } : { patience: 15_000, nudges: 6 }
}

type Action = (world: World) => Promise<void>

const single: Action = async world => {
  const peer = someone(world)
  if (!peer) return
  const { prng } = world
  const done = world.write(peer, 1, prng.chance(0.2) ? 300 : 0)
  if (prng.chance(0.6)) await done
}

const batch: Action = async world => {
  const peer = someone(world)
  if (peer) await world.write(peer, world.prng.int(2, 12))
}

const everyone: Action = async world => {
  const writes = world.up.map(peer => world.write(peer, world.prng.int(1, 4)))
  if (world.prng.chance(0.5)) await Promise.all(writes)
}

const relink: Action = async world => {
  const a = world.prng.pick(world.peers)
  const b = world.prng.pick(world.peers.filter(p => p !== a))
  if (world.linked(a, b)) await world.unlink(a, b)
  else await world.link(a, b)
}

/** One stays alone while the others write so much that it will fast-forward, and writes something of its own. */
const absence: Action = async world => {
  const { prng } = world
  const away = someone(world)
  if (!away) return
  await world.write(away, prng.int(1, 3))
  await world.moved(100)
  await world.isolate(away)
  const rest = world.up.filter(p => p !== away)
  for (const [i, a] of rest.entries()) for (const b of rest.slice(i + 1)) await world.link(a, b)
  for (let i = prng.int(10, 24); i > 0 && rest.length > 0; i--) await world.write(prng.pick(rest), 1)
  if (prng.chance(0.5)) await world.write(away, prng.int(1, 5))
  for (const other of rest) if (prng.chance(0.7)) await world.link(away, other)
}

/** A close in the middle of a write as often as not. */
const close: Action = async world => {
  const peer = someone(world)
  if (!peer) return
  if (world.prng.chance(0.5)) void world.write(peer, world.prng.int(1, 6))
  await world.close(peer)
  if (world.prng.chance(0.6)) await revive(world, peer)
}

const kill: Action = async world => {
  const peer = someone(world)
  if (!peer) return
  if (world.prng.chance(0.8)) void world.write(peer, world.prng.int(1, 8))
  // At any moment, not when something has just been finished.
  await pause(world.prng.int(0, 60))
  await world.kill(peer)
  if (world.prng.chance(0.6)) await revive(world, peer)
}

const start: Action = async world => {
  const down = world.peers.filter(p => !p.up)
  if (down.length > 0) await revive(world, world.prng.pick(down))
}

async function revive(world: World, peer: Peer): Promise<void> {
  await world.start(peer)
  for (const other of world.up) if (other !== peer && world.prng.chance(0.7)) await world.link(peer, other)
}

const breathe: Action = world => world.moved(150)
const look: Action = world => world.look()

async function act(world: World, shape: Shape): Promise<void> {
  const action = world.prng.weighted<Action>([
    [8, single],
    [4, batch],
    [3, everyone],
    [6, relink],
    [1, absence],
    [2, close],
    [shape.kills ? 5 : 0, kill],
    [4, start],
    [4, breathe],
    [2, look],
  ])
  await action(world)
}

function someone(world: World): Peer | null {
  return world.up.length > 0 ? world.prng.pick(world.up) : null
}

async function setIndexers(world: World, indexers: Peer[]): Promise<void> {
  const writers = await Promise.all(indexers.map(peer => peer.call('writer')))
  const admin = world.peers[0] as Peer
  const [receipt] = await admin.call('setIndexers', writers)
  if (receipt?.verdict !== 'accepted') throw new Error(`the indexers were not set: ${receipt?.verdict}`)
}

/** The fourth peer takes the seat of one of the three, as an admin would do it: everyone awake, the last change settled. */
async function replaceIndexer(world: World): Promise<void> {
  await world.settle(patience(3))
  const [a, b, c, d] = world.peers as [Peer, Peer, Peer, Peer]
  const leaves = world.prng.pick([a, b, c])
  await setIndexers(world, [...[a, b, c].filter(p => p !== leaves), d])
}
