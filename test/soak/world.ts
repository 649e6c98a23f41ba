/** The peers of one run, who is linked with whom, and what may be done to them. Every action leaves its promises in the book. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Book } from './book.ts'
import { faultsOf } from './checks.ts'
import { type Item, randomItem } from './items.ts'
import { Gone, LocalPeer, type Peer, ProcessPeer } from './peer.ts'
import type { Prng } from './prng.ts'
import type { Report } from './report.ts'
import { withinTime } from './waiting.ts'

export interface WorldOptions {
  peers: number
  /** Each peer in its own process. */
  processes: boolean
}

/** How long agreement may take. */
export interface Patience {
  /** ms without agreement before one more entry is written, in case confirming only waits for a next one. */
  patience: number
  /** How many such entries at most. */
  nudges: number
}

/** ms after which a write is said to wait for others. */
const AT_ONCE = 2_000
/** ms that a write may take when everyone is joined. */
const ALL_JOINED = 30_000

export class World {
  readonly peers: Peer[] = []
  readonly book = new Book()
  readonly prng: Prng
  root = ''
  entries = 0
  closes = 0
  kills = 0
  /** Entries written only because confirming had stopped. */
  nudges = 0
  /** Writes that were not answered at once: they waited for blocks that only others had. */
  waits = 0
  private readonly links = new Set<string>()
  private readonly waiting = new Set<Peer>()
  private readonly pending = new Set<Promise<void>>()
  private readonly waiters = new Set<() => void>()
  private readonly options: WorldOptions
  private marks = 0
  private ending = false

  constructor(prng: Prng, options: WorldOptions) {
    this.prng = prng
    this.options = options
  }

  /** Founds a pact, seats everyone, and leaves all of them joined. */
  async begin(): Promise<void> {
    this.root = await mkdtemp(join(tmpdir(), 'soak-'))
    for (let i = 0; i < this.options.peers; i++) {
      const peer = this.options.processes ? new ProcessPeer(this.root, `p${i}`) : new LocalPeer(this.root, `p${i}`)
      peer.onmoved = () => this.wake()
      peer.ondied = reason => {
        this.book.faults.push(reason)
        this.wake()
      }
      this.peers.push(peer)
    }
    await Promise.all(this.peers.map(peer => peer.start()))
    const [founder, ...others] = this.peers as [Peer, ...Peer[]]
    const keys = await founder.call('found')
    for (const other of others) {
      const [seated] = await founder.call('seat', await other.call('prepare', keys.key))
      if (seated?.verdict !== 'accepted') throw new Error(`${other.name} was not seated: ${seated?.verdict}`)
      await other.call('join', keys)
    }
    await this.linkAll()
    if (!(await this.when(() => this.peers.every(p => p.where?.writable), 20_000)))
      throw new Error('not every peer could write after joining')
  }

  get up(): Peer[] {
    return this.peers.filter(peer => peer.up)
  }

  // ---- links

  linked(a: Peer, b: Peer): boolean {
    return this.links.has(pair(a, b))
  }

  async link(a: Peer, b: Peer): Promise<void> {
    if (a === b || !a.up || !b.up || this.linked(a, b)) return
    this.links.add(pair(a, b))
    const [from, to] = a.name < b.name ? [a, b] : [b, a]
    await from.call('connect', to.name, to.options.socket).catch(unlessGone)
  }

  async unlink(a: Peer, b: Peer): Promise<void> {
    if (!this.links.delete(pair(a, b))) return
    const [from, to] = a.name < b.name ? [a, b] : [b, a]
    await from.call('cut', to.name).catch(unlessGone)
  }

  async isolate(peer: Peer): Promise<void> {
    for (const other of this.peers) await this.unlink(peer, other)
  }

  async linkAll(): Promise<void> {
    for (const [i, a] of this.peers.entries()) for (const b of this.peers.slice(i + 1)) await this.link(a, b)
  }

  // ---- writing

  items(count: number): Item[] {
    return Array.from({ length: count }, () => randomItem(this.prng, `u${++this.marks}`))
  }

  /** Writes a batch; resolves when it was answered, when the peer is gone, or when it takes so long that it waits for others. */
  async write(peer: Peer, count: number, wait = 0): Promise<void> {
    const done = this.send(peer, count, wait)
    // What comes after a write that waits, waits behind it.
    if (this.waiting.has(peer) || (await withinTime(done, AT_ONCE))) return
    this.waits++
    this.waiting.add(peer)
    void done.then(() => this.waiting.delete(peer))
  }

  private send(peer: Peer, count: number, wait: number): Promise<void> {
    const items = this.items(count)
    this.book.ask(items)
    this.entries += count
    const life = peer.life
    const done = peer
      .call('write', items, wait)
      .then(receipts => this.book.answer(items, receipts))
      .catch(error => {
        if (error instanceof Gone || peer.life !== life) return
        this.book.faults.push(`${peer.name} could not write: ${error.message}`)
      })
      .finally(() => this.pending.delete(done))
    this.pending.add(done)
    return done
  }

  // ---- lives

  async close(peer: Peer): Promise<void> {
    this.forget(peer)
    this.closes++
    await peer.stop().catch(error => void this.book.faults.push(`${peer.name} could not close: ${error.message}`))
  }

  async kill(peer: Peer): Promise<void> {
    this.forget(peer)
    this.kills++
    await peer.kill()
  }

  async start(peer: Peer): Promise<void> {
    if (!peer.up) await peer.start()
  }

  private forget(peer: Peer): void {
    for (const other of this.peers) this.links.delete(pair(peer, other))
  }

  // ---- looking and waiting

  async look(): Promise<void> {
    for (const peer of this.up) {
      const look = await peer.call('look').catch(unlessGone)
      if (look) this.book.look(look, peer.name)
    }
  }

  /** Resolves true as soon as `test` holds, false when it does not within `ms`. Looks at every movement of a peer. */
  async when(test: () => boolean, ms: number): Promise<boolean> {
    if (test()) return true
    return new Promise(resolve => {
      const end = (held: boolean) => {
        clearTimeout(timer)
        this.waiters.delete(look)
        resolve(held)
      }
      const look = () => {
        if (test()) end(true)
      }
      const timer = setTimeout(end, ms, false)
      this.waiters.add(look)
    })
  }

  /** Resolves at the next movement of any peer, or after `ms`. */
  async moved(ms: number): Promise<void> {
    let looks = 0
    await this.when(() => looks++ > 0, ms)
  }

  private wake(): void {
    for (const look of [...this.waiters]) look()
  }

  // ---- the end

  /** All at the same head, confirmed to the end, over the same system core, and the hooks have told it all. */
  aligned(): boolean {
    const [first] = this.peers
    const at = first?.where
    if (!at || at.length === 0) return false
    return this.peers.every(({ where }) => {
      if (!where) return false
      const same = where.head === at.head && where.length === at.length && where.system === at.system
      const told = where.told === where.length && where.toldConfirmed === where.length
      return same && told && where.confirmed === where.length
    })
  }

  /** What a peer told last may be older than what it has answered since, so each of them is asked as well. */
  private async agreed(ms: number): Promise<boolean> {
    const end = performance.now() + ms
    while (await this.when(() => this.aligned(), end - performance.now())) {
      for (const peer of this.peers) peer.where = await peer.call('where')
      if (this.aligned()) return true
    }
    return false
  }

  /** Wakes and joins everyone and waits until they agree. @throws Error when they do not */
  async settle({ nudges, patience }: Patience): Promise<void> {
    for (const peer of this.peers) await this.start(peer)
    await this.linkAll()
    if (!(await withinTime(Promise.all(this.pending), ALL_JOINED)))
      throw new Error(`a write is not answered although all are joined: ${this.positions()}`)
    for (let left = nudges; !(await this.agreed(patience)); left--) {
      if (left === 0) throw new Error(`the peers do not agree: ${this.positions()}`)
      this.nudges++
      await this.write(this.prng.pick(this.peers), 1)
    }
  }

  /** Settles and asks every peer for all it holds. */
  async end(limits: Patience): Promise<Map<string, Report>> {
    await this.settle(limits)
    await this.look()
    const reports = new Map<string, Report>()
    for (const peer of this.up) reports.set(peer.name, await peer.call('report'))
    return reports
  }

  private positions(): string {
    return this.peers.map(positionOf).join('; ')
  }

  faults(reports: Map<string, Report>): string[] {
    return faultsOf(reports, this.book)
  }

  /** Ends all peers. The folder stays when `keep` is set: it is all there is for finding out. */
  async dispose(keep: boolean): Promise<void> {
    if (this.ending) return
    this.ending = true
    for (const peer of this.peers) {
      peer.ondied = () => {}
      await (this.options.processes ? peer.kill() : peer.stop()).catch(() => {})
    }
    if (!keep) await rm(this.root, { recursive: true, force: true })
  }
}

function pair(a: Peer, b: Peer): string {
  return a.name < b.name ? `${a.name} ${b.name}` : `${b.name} ${a.name}`
}

function positionOf({ name, where }: Peer): string {
  if (!where) return `${name} is down`
  return `${name} ${where.confirmed}/${where.length} ${where.head.slice(0, 8)} system ${where.system.slice(0, 8)}`
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof Gone)) throw error
}
