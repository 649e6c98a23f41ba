/** Ledger time moves only by entries of indexers. While something waits for a moment, an indexer's machine writes a tick after it. */

export interface ClockHost {
  /** Whether this machine's writer is an indexer. */
  indexer(): Promise<boolean>
  /** Ledger time, ms. */
  time(): Promise<number>
  tick(): Promise<void>
}

/** Between two indexers that wake for the same moment, so that the second finds the tick of the first. */
const STAGGER = 1000
/** Longest a Node timer may sleep. */
const LONGEST = 2 ** 31 - 1

export class LedgerClock {
  /** Moments that ledger time is to reach. */
  private readonly moments = new Set<number>()
  /** Moments after which a tick may be wanted for its own sake, with who says then whether it still is. */
  private readonly asked = new Map<number, () => boolean>()
  /** Timestamp of the newest tick. */
  private ticked = 0
  private timer: NodeJS.Timeout | null = null
  private closed = false
  private readonly host: ClockHost

  constructor(host: ClockHost) {
    this.host = host
  }

  /** As `Pact.wakeAt`. */
  wakeAt(moment: number, wanted?: () => boolean): void {
    if (this.closed || !Number.isFinite(moment)) return
    if (wanted) this.asked.set(moment, wanted)
    else this.moments.add(moment)
    this.arm()
  }

  /** A tick stands in the view. */
  onTick(timestamp: number): void {
    this.ticked = Math.max(this.ticked, timestamp)
  }

  close(): void {
    this.closed = true
    if (this.timer) clearTimeout(this.timer)
  }

  private arm(): void {
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    if (this.closed || this.moments.size + this.asked.size === 0) return
    const next = Math.min(...this.moments, ...this.asked.keys())
    const delay = Math.min(LONGEST, Math.max(0, next - Date.now()) + 1 + Math.floor(Math.random() * STAGGER))
    this.timer = setTimeout(() => void this.fire(), delay)
    this.timer.unref()
  }

  private async fire(): Promise<void> {
    const now = Date.now()
    const moments = [...this.moments].filter(moment => moment <= now)
    const asked = [...this.asked].filter(([moment]) => moment <= now)
    try {
      if (moments.length + asked.length > 0) {
        if ((await this.host.indexer()) && (await this.due(moments, asked)) && !this.closed) await this.host.tick()
        for (const moment of moments) this.moments.delete(moment)
        for (const [moment] of asked) this.asked.delete(moment)
      }
    } catch {
      // Not writable or closing right now: the moment stays and is tried again with the next timer.
    }
    this.arm()
  }

  private async due(moments: number[], asked: [number, () => boolean][]): Promise<boolean> {
    const time = await this.host.time()
    return moments.some(moment => time < moment) || asked.some(([moment, wanted]) => this.ticked < moment && wanted())
  }
}
