/** What the network asks of a pact: how a device stands, and whether an admission chain vouches for it. */
import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '../plugin.ts'
import { doorTopic } from '../replication/topics.ts'
import { ACCEPTED, type LogRecord } from './entry.ts'
import { encodeEntry } from './envelope.ts'
import { readRecord } from './follower.ts'
import { Gate } from './gate.ts'
import type { StateReader } from './reading.ts'
import type { Base } from './views.ts'
import { buildChain, type ChainSource, chainVouches } from './vouching.ts'

/** ms that blocks of the own chain of admission are waited for. */
const CHAIN_LIMIT = 1_000

/** Types after which somebody's standing may have changed. */
const seatTypes = new Set(['pact.charter', 'member.add', 'member.remove', 'device.retire'])

export class Admittance {
  private readonly base: Base
  private readonly reader: StateReader
  private readonly log: Logger
  readonly gate: Gate
  private readonly changes = new EventEmitter()
  private stale = true
  /** Confirmed length from which on the confirmed seats are what the applied ones were; 0 when they are. */
  private seatsAt = 0
  private chain: Buffer | null = null

  constructor(base: Base, reader: StateReader, seatsFile: string, log: Logger) {
    this.base = base
    this.reader = reader
    this.log = log
    this.gate = new Gate(seatsFile)
    this.changes.setMaxListeners(0)
  }

  async ownChain(): Promise<Buffer> {
    if (this.chain) return this.chain
    // Where the blocks that it is made of are not here yet, members who know this machine without it can still send them.
    const none = () => Buffer.alloc(0)
    const built = buildChain(this.base.local.key, this.source()).catch(none)
    const chain = await Promise.race([built, pause(CHAIN_LIMIT, undefined, { ref: false }).then(none)])
    if (chain.length > 0) this.chain = chain
    return chain
  }

  async vouches(chain: Buffer, noise: Buffer): Promise<boolean> {
    try {
      return await chainVouches(chain, noise, this.source())
    } catch (error) {
      this.log.debug('an admission chain cannot be judged yet', { reason: String(error) })
      return false
    }
  }

  onChange(fn: () => void): () => void {
    this.changes.on('change', fn)
    return () => this.changes.off('change', fn)
  }

  /** Takes note of a record that stands in the view: of one that apply only just makes, an older view would be read. */
  onrecord(record: LogRecord): void {
    if (!record.entry || record.verdict !== ACCEPTED || !seatTypes.has(record.entry.type)) return
    this.stale = true
    this.seatsAt = record.position + 1
  }

  /** The view moved in a way that records do not tell: a reorder, a fast-forward. */
  moved(): void {
    this.stale = true
  }

  /** Reads the seats anew where they may have changed. */
  async catchUp(confirmed: number): Promise<void> {
    const confirming = this.seatsAt > 0 && confirmed >= this.seatsAt
    if (!this.stale && !confirming) return
    if (confirming) this.seatsAt = 0
    // Before the look: what comes while it lasts must be looked at again.
    this.stale = false
    try {
      await this.reader.both((applied, signed) => this.gate.refresh(applied, signed))
    } catch (error) {
      this.stale = true
      // A block of the view is not here yet: the seats known so far stay, and the next movement tries again.
      this.log.debug('seats cannot be read yet', { reason: String(error) })
    }
    this.changes.emit('change')
  }

  private source(): ChainSource {
    const { base, reader } = this
    return {
      pactKey: base.key,
      door: doorTopic(base.key),
      seatedAt: writer => reader.seatedAt(writer),
      recordAt: async position => {
        const record = await readRecord(base.view.log, position)
        const entry = record?.entry
        if (!record || !entry) return null
        return { record, bytes: encodeEntry(entry, base.key, record.writer, () => entry.signature).bytes }
      },
      knows: async (writer, agent) => {
        const seat = await reader.get<{ identity: string }>(`k/m/${writer}`)
        const row = await reader.agent(agent)
        return seat !== null && row !== null && !row.revoked && row.identity === seat.identity
      },
      removed: async (a, identity) => {
        for (const key of [`k/ban/${identity}`, `k/gone/${a.writer}`, `k/gone/${a.noise}`])
          if (await reader.get(key)) return true
        return false
      },
    }
  }
}
