/**
 * After a power loss: nothing is appended to the own core until the machines that may hold more of it were asked. What they hold
 * is fetched back, and the ledger is opened again on it: what Autobase keeps of the core in memory still ends where the disk did.
 * What was fetched last may not be on the disk by then: hypercore counts it before it is written, and closing drops it. So it is
 * asked anew until the core that was opened has all of it. Where others know of blocks that none of them has, the core is given up, and
 * the machine goes over to a fresh one (rotation.ts).
 */
import type Hypercore from 'hypercore'
import { defineErrors, OpenPactError } from '../errors.ts'
import type { Logger } from '../plugin.ts'
import type { Standing } from '../replication/replicated.ts'
import type { ShutdownMark } from './shutdown-mark.ts'
import type { Base } from './views.ts'

defineErrors({
  WRITER_IN_DOUBT: {
    kind: 'unavailable',
    message: 'This machine lost power while it shared the pact "{pact}", and it does not write there now: {reason}.',
    help: 'Let the machine that is named come online; what was lost is fetched back from it. If it never comes back, retire it from another machine, or leave the pact and join again. Where nobody has what was lost, this machine goes on by itself with a fresh writer core; a sole indexer cannot, and its pact is carried on with `openpact refound`.',
  },
})

/** ms between two looks. */
const INTERVAL = 200
/** ms after which a machine that replicates the pact, but not the own core, has none of it. */
const SILENCE = 2_000
/** ms that an append waits for the answers. */
const PATIENCE = 3_000
/** ms that blocks may take before they are asked for again. */
const FETCH_LIMIT = 5_000

type Peer = Hypercore['peers'][number]

export interface TailHost {
  /** How the device with a Noise key stands. */
  standing(noise: Buffer): Promise<Standing>
  /** The own core has grown or was given up: everything must be opened again. */
  reopen(): void
  /** What must happen before a fresh core takes the place of one that was given up. */
  rotating(): Promise<string>
  pact(): string
  log: Logger
}

export class OwnTail {
  private readonly base: Base
  private readonly mark: ShutdownMark
  private readonly host: TailHost
  /** Streams under way: whose they are, and since when they replicate the pact. */
  private readonly streams = new Map<unknown, { noise: string; since: number | null }>()
  private readonly answered = new Set<string>()
  /** Machines that were asked for the blocks that are missing and have none of them. */
  private readonly without = new Set<string>()
  private timer: NodeJS.Timeout | null = null
  private looking: Promise<void> | null = null
  private readonly waiters = new Set<() => void>()
  /** Length of the own core as it was found. */
  private found = 0
  /** Another ledger is about to take the place of this one. */
  private replaced = false
  private closed = false
  /** Blocks that were missing when they had been asked for in vain. */
  private lacked = 0
  /** The own core is whole, and not yet all in the view. */
  private reading = false

  constructor(base: Base, mark: ShutdownMark, host: TailHost) {
    this.base = base
    this.mark = mark
    this.host = host
    base.held = mark.doubt.size > 0
  }

  /** Whether the own core was given up, because nobody has its end. */
  get lost(): boolean {
    return this.mark.lost !== null
  }

  /** What must happen before the own core is appended to, in words; null when nothing. */
  async obstacle(): Promise<string | null> {
    if (this.mark.doubt.size === 0) return null
    if (this.lost) return `nobody has the last entries that it wrote; ${await this.host.rotating()}`
    if (this.reading) return 'the last entries that it wrote refer to some of others, which have not come back yet'
    return `for entries that it may have lost it must first ask ${this.missing}`
  }

  private get missing(): string {
    const left = [...this.mark.doubt].filter(noise => !this.answered.has(noise))
    const names = left.map(noise => (noise === '' ? 'any member' : `the machine ${noise.slice(0, 8)}`))
    return names.join(', ') || 'the machine that is sending them now'
  }

  async start(): Promise<void> {
    if (!this.base.held) return
    const { whole, lost } = this.mark
    // It was stopped after it had gone over to a fresh core.
    if (lost !== null && lost !== this.base.local.key.toString('hex')) {
      await this.mark.rotated()
      this.base.held = false
      return
    }
    if (whole !== null && this.base.local.contiguousLength >= whole) {
      this.settleOnceRead()
      return
    }
    if (this.lost) return
    this.host.log.warn('power was lost while this pact was shared: asking the other machines before writing', {
      pact: this.host.pact(),
      machines: this.mark.doubt.size,
    })
    this.found = this.base.local.length
    this.base.local.setActive(true)
    this.timer = setInterval(() => {
      this.looking ??= this.look()
        .catch(error => this.host.log.debug('the own core cannot be checked yet', { reason: String(error) }))
        .finally(() => {
          this.looking = null
        })
    }, INTERVAL)
    this.timer.unref()
  }

  /** Takes note of a stream that replicates. Returns its undo. */
  meet(stream: unknown, noise: string): () => void {
    this.streams.set(stream, { noise, since: null })
    return () => void this.streams.delete(stream)
  }

  /** Resolves when the own core may be appended to. @throws OpenPactError WRITER_IN_DOUBT */
  async settled(): Promise<void> {
    if (!this.base.held) return
    await new Promise<void>(resolve => {
      const end = () => {
        clearTimeout(timer)
        this.waiters.delete(end)
        resolve()
      }
      const timer = setTimeout(end, PATIENCE)
      this.waiters.add(end)
    })
    if (this.base.held && !this.replaced)
      throw new OpenPactError('WRITER_IN_DOUBT', { pact: this.host.pact(), reason: await this.obstacle() })
  }

  async close(): Promise<void> {
    this.closed = true
    this.stop()
    for (const end of [...this.waiters]) end()
    await this.looking
  }

  private async look(): Promise<void> {
    const { local } = this.base
    for (const [stream, met] of this.streams) {
      const peer = peerOn(local, stream)
      if (peerOn(this.base.core, stream)?.remoteSynced) met.since ??= Date.now()
      const silent = !peer && met.since !== null && Date.now() - met.since > SILENCE
      if (silent || (peer?.remoteSynced && peer.remoteLength <= local.length)) this.hear(met.noise)
    }
    for (const noise of this.mark.doubt) {
      const gone = noise !== '' && (await this.host.standing(Buffer.from(noise, 'hex'))) === 'removed'
      if (!gone) continue
      this.hear(noise)
      this.without.add(noise)
    }
    if ([...this.mark.doubt].some(noise => !this.answered.has(noise))) return
    if (local.peers.some(peer => peer.remoteLength > local.length)) return
    await this.goOn()
  }

  private hear(noise: string): void {
    this.answered.add(noise)
    this.answered.add('')
  }

  private async goOn(): Promise<void> {
    const { base } = this
    const { length } = base.local
    if (length > 0 && !(await base.local.has(0, length))) {
      const asked = new Set(this.streams.keys())
      const range = base.local.download({ start: 0, end: length })
      // Looked at again with the next interval, should who sends it go away.
      const gone = setTimeout(() => range.destroy(), FETCH_LIMIT)
      await range.done()
      clearTimeout(gone)
      if (!(await base.local.has(0, length))) return this.askedInVain(asked)
    }
    this.stop()
    this.host.log.info('the own core is whole', { pact: this.host.pact(), fetched: length - this.found })
    if (length === this.found) {
      base.local.setActive(false)
      this.settleOnceRead()
    } else {
      this.mark.asked(length)
      this.makeWay()
    }
  }

  /** @param asked streams that were there all the time while the blocks that are still missing were asked for */
  private async askedInVain(asked: Set<unknown>): Promise<void> {
    const { local, core } = this.base
    const missing: number[] = []
    for (let index = local.contiguousLength; index < local.length; index++)
      if (!(await local.has(index))) missing.push(index)
    let kept = false
    for (const [stream, { noise }] of this.streams) {
      if (!asked.has(stream) || !peerOn(core, stream)?.remoteSynced) continue
      const peer = peerOn(local, stream)
      if (peer && !peer.remoteSynced) continue
      const has = (index: number) => peer && (index < peer.remoteContiguousLength || peer.remoteBitfield.get(index))
      kept ||= missing.some(has)
      if (missing.some(has)) continue
      this.without.add(noise)
      this.without.add('')
    }
    // Seen twice in a hundred power losses on a busy machine: nothing was under way, and Hypercore did not ask who had the block. Opened
    // again, it does.
    if (kept && missing.length === this.lacked) {
      this.stop()
      this.host.log.warn('who has what is missing does not send it: opened again', { pact: this.host.pact() })
      return this.makeWay()
    }
    this.lacked = missing.length
    if ([...this.mark.doubt].some(noise => !this.without.has(noise))) return
    this.stop()
    this.host.log.warn('nobody has the end of the own core: a fresh one will take its place', {
      pact: this.host.pact(),
      missing: missing.length,
    })
    this.mark.lose(local.key.toString('hex'))
    this.makeWay()
  }

  private stop(): void {
    if (this.timer) clearInterval(this.timer)
    this.timer = null
  }

  /** Another ledger takes the place of this one, once. */
  makeWay(): void {
    if (this.replaced || this.closed) return
    this.replaced = true
    this.host.reopen()
    for (const end of [...this.waiters]) end()
  }

  /**
   * What the own core holds must be in the view first, and it may refer to entries of others that are still to come: Autobase would wait for
   * them inside an append, round and round, and nothing else would run on this machine.
   */
  private settleOnceRead(): void {
    const { base } = this
    this.reading = true
    const look = () => {
      const { local, localWriter } = base
      if (this.closed || (localWriter && !localWriter.isRemoved && localWriter.length < local.length)) return
      base.off('update', look)
      this.settle()
    }
    base.on('update', look)
    look()
  }

  private settle(): void {
    this.mark.settle()
    this.base.held = false
    for (const end of [...this.waiters]) end()
  }
}

function peerOn(core: Hypercore, stream: unknown): Peer | undefined {
  return core.peers.find(peer => peer.stream === stream)
}
