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
  /** Moments waited for; with who says at that moment whether a tick is still wanted, where time alone is not enough. */
  private readonly moments = new Map<number, (() => boolean) | undefined>()
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
    this.moments.set(moment, wanted)
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
    if (this.closed || this.moments.size === 0) return
    const next = Math.min(...this.moments.keys())
    const delay = Math.min(LONGEST, Math.max(0, next - Date.now()) + 1 + Math.floor(Math.random() * STAGGER))
    this.timer = setTimeout(() => void this.fire(), delay)
    this.timer.unref()
  }

  private async fire(): Promise<void> {
    const now = Date.now()
    const passed = [...this.moments].filter(([moment]) => moment <= now)
    try {
      if (passed.length > 0) {
        if ((await this.host.indexer()) && (await this.due(passed)) && !this.closed) await this.host.tick()
        for (const [moment] of passed) this.moments.delete(moment)
      }
    } catch {
      // Not writable or closing right now: the moment stays and is tried again with the next timer.
    }
    this.arm()
  }

  private async due(passed: [number, (() => boolean) | undefined][]): Promise<boolean> {
    const time = await this.host.time()
    return passed.some(([moment, wanted]) => (wanted ? this.ticked < moment && wanted() : time < moment))
  }
}
