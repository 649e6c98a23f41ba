/**
 * Turns movements of the view into the hooks `entry.reverted`, `entry.applied`, `entry.confirmed`. It starts at the head of the view
 * as it is when the pact is opened; what keeps its own position (the read model) follows with `delta` and its own checkpoints.
 */
import type { Checkpoint, Delta } from '../pact.ts'
import type { LogRecord } from './entry.ts'
import { ZERO } from './record.ts'

const MAX_CHECKPOINTS = 512
const CHUNK = 1024

export interface PumpHost {
  delta(checkpoints: Checkpoint[], limit: number): Promise<Delta>
  reverted(position: number): Promise<void>
  applied(records: LogRecord[]): Promise<void>
  confirmed(length: number): Promise<void>
  /** The chain up to a position, or to the end of a shorter log; null when its block is not on this machine. */
  checkpoint(position: number): Promise<Checkpoint | null>
}

interface Start {
  head: number
  floor: number
  /** The head as it was at first sight: a reorder since then is still to be told. */
  top: Checkpoint | null
}

export class Pump {
  /** Newest first; the last one is at the confirmed length, or at the head where that is below it. */
  private checkpoints: Checkpoint[] = [{ position: 0, chain: ZERO }]
  private confirmedAt = 0
  /** Where to start, until the blocks that say so are on this machine. */
  private start: Start | null = null
  private running: Promise<void> | null = null
  private again = false
  /** Movements of the view that were noticed, and how many of them the last look at it came after. */
  private moves = 0
  private seen = 0
  /** Blocks of the history came that those who follow by themselves may be waiting for. */
  private came = false
  private readonly host: PumpHost

  constructor(host: PumpHost) {
    this.host = host
  }

  /**
   * Starts at a head whose history was seen by others already; as soon as its blocks are on this machine, if they are not.
   * @param floor the confirmed length, which a reorder never goes below
   */
  async startAt(head: number, floor: number): Promise<void> {
    this.start = { head, floor, top: null }
    await this.started(this.start)
  }

  /** The view moved, and stands still for now: as `run`. */
  moved(): Promise<void> {
    this.moves++
    return this.run()
  }

  /** Blocks of the history were fetched: as `moved`, and told even if nothing is new for the hooks. */
  fetched(): Promise<void> {
    this.came = true
    return this.moved()
  }

  /** Resolves when everything that stood in the view at the call was given to the hooks. */
  run(): Promise<void> {
    if (this.running) {
      // A look that began after the last movement has all there is. Lengths say nothing here: a reorder can leave them as they were.
      this.again ||= this.seen !== this.moves
      return this.running
    }
    this.running = this.loop()
    return this.running
  }

  private async loop(): Promise<void> {
    try {
      do {
        this.again = false
        while (await this.step());
      } while (this.again)
    } finally {
      // In the same turn as the last look at `again`, or a caller in between would wait for nothing.
      this.running = null
    }
  }

  private async started(start: Start): Promise<boolean> {
    start.top ??= await this.host.checkpoint(start.head)
    const bottom = start.top && (await this.host.checkpoint(Math.min(start.floor, start.top.position)))
    if (!start.top || !bottom) return false
    this.checkpoints = start.top.position === bottom.position ? [start.top] : [start.top, bottom]
    this.confirmedAt = bottom.position
    this.start = null
    return true
  }

  private async step(): Promise<boolean> {
    if (this.start && !(await this.started(this.start))) {
      await this.host.applied([])
      return false
    }
    const head = this.checkpoints[0] as Checkpoint
    // It could not be read when it was confirmed.
    if ((this.checkpoints.at(-1) as Checkpoint).position < this.confirmedAt) await this.raiseFloor()
    this.seen = this.moves
    const delta = await this.host.delta(this.checkpoints, CHUNK)
    if (delta.common < head.position) {
      this.checkpoints = this.checkpoints.filter(c => c.position <= delta.common)
      if (this.checkpoints[0]?.position !== delta.common)
        this.checkpoints.unshift({ position: delta.common, chain: delta.commonChain })
      await this.host.reverted(delta.common)
    }
    const last = delta.records.at(-1)
    if (last) {
      this.checkpoints.unshift({ position: last.position + 1, chain: last.chain })
      await this.host.applied(delta.records)
    } else if (delta.missing || this.came) {
      // History is still on its way: those who need all of it are told that something changed and ask for themselves.
      this.came = false
      await this.host.applied([])
    }
    // Only what was told can be called confirmed.
    const confirmed = Math.min(delta.confirmed, (this.checkpoints[0] as Checkpoint).position)
    if (confirmed > this.confirmedAt) {
      this.confirmedAt = confirmed
      await this.raiseFloor()
      await this.host.confirmed(confirmed)
    }
    // A long unconfirmed tail keeps every second one: a reorder then goes back a little further than it must.
    if (this.checkpoints.length > MAX_CHECKPOINTS)
      this.checkpoints = this.checkpoints.filter((_, i) => i % 2 === 0 || i === this.checkpoints.length - 1)
    return last !== undefined && last.position + 1 < delta.length
  }

  /** Drops what a reorder cannot reach any more; what is confirmed must never be called reverted. */
  private async raiseFloor(): Promise<void> {
    const floor = this.checkpoints.findIndex(c => c.position <= this.confirmedAt)
    const lowest = this.checkpoints[floor] as Checkpoint
    this.checkpoints = this.checkpoints.slice(0, floor + 1)
    if (lowest.position === this.confirmedAt) return
    const exact = await this.host.checkpoint(this.confirmedAt)
    if (exact) this.checkpoints[floor] = exact
  }
}
