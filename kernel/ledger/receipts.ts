/** Where this machine's own entries stand, followed over reorders, and who waits for them to be confirmed. */
import type { LogRecord, Receipt } from './entry.ts'

const KEEP = 10_000

interface Waiter {
  n: number
  resolve(): void
}

export class Receipts {
  private readonly own = new Map<number, LogRecord>()
  private waiters: Waiter[] = []
  private confirmed = 0

  /** Takes note of an own record; a later one for the same entry replaces it. */
  add(record: LogRecord): void {
    this.own.delete(record.n)
    this.own.set(record.n, record)
    if (this.own.size > KEEP) {
      for (const [n, old] of this.own) {
        if (this.own.size <= KEEP || old.position >= this.confirmed) break
        this.own.delete(n)
      }
    }
  }

  get(n: number): Receipt | null {
    const record = this.own.get(n)
    if (!record) return null
    return {
      id: record.id,
      position: record.position,
      verdict: record.verdict,
      chain: record.chain,
      confirmed: record.position < this.confirmed,
      timestamp: record.entry?.timestamp ?? 0,
    }
  }

  /** Says how far the view is confirmed; wakes those whose entries stand below. */
  settle(confirmed: number): void {
    this.confirmed = confirmed
    this.waiters = this.waiters.filter(waiter => {
      const record = this.own.get(waiter.n)
      if (!record || record.position >= confirmed) return true
      waiter.resolve()
      return false
    })
  }

  /** Resolves true when entry `n` is confirmed, false at the timeout or when aborted. */
  confirmation(n: number, timeout: number, signal?: AbortSignal): Promise<boolean> {
    if (this.get(n)?.confirmed) return Promise.resolve(true)
    return new Promise(resolve => {
      const waiter: Waiter = { n, resolve: () => end(true) }
      const end = (is: boolean) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        this.waiters = this.waiters.filter(w => w !== waiter)
        resolve(is)
      }
      const abort = () => end(false)
      const timer = setTimeout(abort, timeout)
      signal?.addEventListener('abort', abort)
      this.waiters.push(waiter)
    })
  }
}
