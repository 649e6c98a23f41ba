/**
 * What a power loss asks of a ledger: whom it met before is asked for what was lost (own-tail.ts), and where nobody has it a fresh core takes
 * the place of the own one (rotation.ts). Until then nothing is written, and in the end another ledger takes the place of this one.
 */
import type { Duplex } from 'node:stream'
import type Corestore from 'corestore'
import type { Identity } from '../kernel.ts'
import type { Pact } from '../pact.ts'
import type { Logger } from '../plugin.ts'
import type { Standing } from '../replication/replicated.ts'
import { OwnTail } from './own-tail.ts'
import type { StateReader } from './reading.ts'
import { Rotation } from './rotation.ts'
import type { Application } from './seats.ts'
import { ShutdownMark } from './shutdown-mark.ts'
import type { Base } from './views.ts'

export interface PowerLossHost {
  store: Corestore
  /** The pact's own folder. */
  folder: string
  base: Base
  reader: StateReader
  identity: Identity
  log: Logger
  /** How the device with a Noise key stands. */
  standing(noise: Buffer): Promise<Standing>
  /** The own core was fetched back or replaced: answers the ledger that takes this one's place. */
  reopen(): Promise<Pact | null>
  /** What the pact is called here. */
  pact(): string
}

export class PowerLoss {
  private readonly host: PowerLossHost
  private readonly mark: ShutdownMark
  readonly tail: OwnTail
  private readonly rotation: Rotation
  private successor: Promise<Pact | null> | null = null
  private turning: Promise<unknown> = Promise.resolve()
  private closed = false

  constructor(host: PowerLossHost) {
    this.host = host
    this.mark = new ShutdownMark(host.folder)
    this.rotation = new Rotation(host, this.mark)
    this.tail = new OwnTail(host.base, this.mark, {
      standing: noise => host.standing(noise),
      reopen: () => {
        this.successor = host.reopen()
      },
      rotating: () => this.rotation.obstacle(),
      pact: () => host.pact(),
      log: host.log,
    })
  }

  async start(): Promise<void> {
    await this.tail.start()
    this.moreConfirmed()
  }

  /**
   * Resolves when the own core may be appended to, or with the ledger that takes the place of this one.
   * @throws OpenPactError WRITER_IN_DOUBT
   */
  async settled(): Promise<Pact | null> {
    await this.tail.settled()
    return this.successor
  }

  /** What must happen before the own core is appended to, in words; null when nothing. */
  obstacle(): Promise<string | null> {
    return this.tail.obstacle()
  }

  /** The application for a seat with a fresh core; null while none is needed, or while nobody could seat it. */
  async application(): Promise<Application | null> {
    // What was fetched back is in the view of the ledger that takes this one's place.
    return this.successor ? null : this.rotation.application()
  }

  /** Opens a stream to the machine with a Noise key (hex): that it may know more than the disk is remembered before anything is sent. */
  meet(noise: string, open: () => Duplex): Duplex {
    this.mark.meet(noise)
    const stream = open()
    const { noiseStream } = stream as Duplex & { noiseStream?: unknown }
    stream.once('close', this.tail.meet(noiseStream, noise))
    return stream
  }

  /** After the own core was given up: goes over to the fresh one as soon as that is confirmed. */
  moreConfirmed(): void {
    if (!this.tail.lost || this.closed) return
    const { log, pact } = this.host
    this.turning = this.turning
      .then(() => this.rotation.turn())
      .then(turned => turned && this.tail.makeWay())
      .catch(error => log.error('the writer cannot be rotated', { pact: pact(), reason: String(error) }))
  }

  /** Lets go of the base, which is to be closed next. */
  async release(): Promise<void> {
    this.closed = true
    await this.tail.close()
    await this.turning
  }

  /** After the store was closed. */
  async close(): Promise<void> {
    await this.mark.close()
  }
}
