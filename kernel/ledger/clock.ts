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
  private readonly moments = new Set<number>()
  private timer: NodeJS.Timeout | null = null
  private closed = false
  private readonly host: ClockHost

  constructor(host: ClockHost) {
    this.host = host
  }

  wakeAt(moment: number): void {
    if (this.closed || !Number.isFinite(moment)) return
    this.moments.add(moment)
    this.arm()
  }

  close(): void {
    this.closed = true
    if (this.timer) clearTimeout(this.timer)
  }

  private arm(): void {
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    if (this.closed || this.moments.size === 0) return
    const next = Math.min(...this.moments)
    const delay = Math.min(LONGEST, Math.max(0, next - Date.now()) + 1 + Math.floor(Math.random() * STAGGER))
    this.timer = setTimeout(() => void this.fire(), delay)
    this.timer.unref()
  }

  private async fire(): Promise<void> {
    const now = Date.now()
    const passed = [...this.moments].filter(m => m <= now)
    try {
      if (passed.length > 0) {
        const due = Math.max(...passed)
        if ((await this.host.indexer()) && (await this.host.time()) < due && !this.closed) await this.host.tick()
        for (const moment of passed) this.moments.delete(moment)
      }
    } catch {
      // Not writable or closing right now: the moment stays and is tried again with the next timer.
    }
    this.arm()
  }
}
