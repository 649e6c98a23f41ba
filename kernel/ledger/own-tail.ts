/**
 * After a power loss: nothing is appended to the own core until the machines that may hold more of it were asked. What they hold
 * is fetched back, and the ledger is opened again on it: what Autobase keeps of the core in memory still ends where the disk did.
 * What was fetched last may not be on the disk by then: hypercore counts it before it is written, and closing drops it. So it is
 * asked anew until the core that was opened has all of it.
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
    message:
      'This machine lost power while it shared the pact "{pact}" and may have lost entries that others hold. Before it writes again it must ask: {who}.',
    help: 'Let that machine come online; what was lost is fetched back from it. If it never comes back, retire it from another machine, or leave the pact and join again.',
  },
})

/** ms between two looks. */
const INTERVAL = 200
/** ms after which a machine that replicates the pact, but not the own core, has none of it. */
const SILENCE = 2_000
/** ms that an append waits for the answers. */
const PATIENCE = 3_000
/** ms that blocks may take before they are asked for again. */
const FETCH_LIMIT = 10_000

type Peer = Hypercore['peers'][number]

export interface TailHost {
  /** How the device with a Noise key stands. */
  standing(noise: Buffer): Promise<Standing>
  /** The own core has grown: everything must be opened again on it. */
  reopen(): void
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
  private timer: NodeJS.Timeout | null = null
  private looking: Promise<void> | null = null
  private readonly waiters = new Set<() => void>()
  /** Length of the own core as it was found. */
  private found = 0
  /** Another ledger is about to take the place of this one. */
  private replaced = false

  constructor(base: Base, mark: ShutdownMark, host: TailHost) {
    this.base = base
    this.mark = mark
    this.host = host
    base.held = mark.doubt.size > 0
  }

  /** Who must still be asked, in words; null when nobody. */
  get missing(): string | null {
    if (this.mark.doubt.size === 0) return null
    const left = [...this.mark.doubt].filter(noise => !this.answered.has(noise))
    const names = left.map(noise => (noise === '' ? 'any member' : `the machine ${noise.slice(0, 8)}`))
    return names.join(', ') || 'the machine that is sending them now'
  }

  start(): void {
    if (!this.base.held) return
    const { whole } = this.mark
    if (whole !== null && this.base.local.contiguousLength >= whole) {
      this.settle()
      return
    }
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
      throw new OpenPactError('WRITER_IN_DOUBT', { pact: this.host.pact(), who: this.missing })
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer)
    this.timer = null
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
      if (gone) this.hear(noise)
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
      const range = base.local.download({ start: 0, end: length })
      // Looked at again with the next interval, should who sends it go away.
      const gone = setTimeout(() => range.destroy(), FETCH_LIMIT)
      await range.done()
      clearTimeout(gone)
      if (!(await base.local.has(0, length))) return
    }
    if (this.timer) clearInterval(this.timer)
    this.timer = null
    this.host.log.info('the own core is whole', { pact: this.host.pact(), fetched: length - this.found })
    if (length === this.found) {
      base.local.setActive(false)
      this.settle()
    } else {
      this.mark.asked(length)
      this.replaced = true
      this.host.reopen()
    }
    for (const end of [...this.waiters]) end()
  }

  private settle(): void {
    this.mark.settle()
    this.base.held = false
  }
}

function peerOn(core: Hypercore, stream: unknown): Peer | undefined {
  return core.peers.find(peer => peer.stream === stream)
}
