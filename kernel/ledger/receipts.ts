/** Where this machine's own entries stand, followed over reorders, and who waits for them to be confirmed. */
import type { LogRecord, Receipt } from './entry.ts'

const KEEP = 10_000

interface Waiter {
  n: number
  end(confirmed: boolean): void
}

export class Receipts {
  /** Not the records: ten thousand of them with their payloads would fill the heap. */
  private readonly own = new Map<number, Omit<Receipt, 'confirmed'>>()
  /** Entries that are not confirmed; true while a reorder took one out and its new place is not known. */
  private readonly open = new Map<number, boolean>()
  private waiters: Waiter[] = []
  /** Length that was said to be confirmed. */
  confirmed = 0

  /** Takes note of an own record; a later one for the same entry replaces it. */
  add(record: LogRecord): void {
    const { n, id, position, verdict, chain, entry } = record
    this.own.delete(n)
    this.own.set(n, { id, position, verdict, chain, timestamp: entry?.timestamp ?? 0 })
    if (position < this.confirmed) this.open.delete(n)
    else this.open.set(n, false)
    if (this.own.size > KEEP) {
      for (const old of this.own.keys()) {
        if (this.own.size <= KEEP || this.open.has(old)) break
        this.own.delete(old)
      }
    }
  }

  /**
   * The records from `position` on were taken out. A fast-forward puts them elsewhere without apply, perhaps below what is confirmed
   * by then: until they are told anew, nothing can be said of them.
   */
  revert(position: number): void {
    for (const n of this.open.keys()) if ((this.own.get(n) as Receipt).position >= position) this.open.set(n, true)
  }

  get(n: number): Receipt | null {
    const own = this.own.get(n)
    return own ? { ...own, confirmed: !this.open.has(n) } : null
  }

  /** Says how far the view is confirmed; wakes those whose entries stand below. */
  settle(confirmed: number): void {
    this.confirmed = confirmed
    for (const [n, moving] of this.open)
      if (!moving && (this.own.get(n) as Receipt).position < confirmed) this.open.delete(n)
    this.waiters = this.waiters.filter(waiter => {
      if (!this.own.has(waiter.n) || this.open.has(waiter.n)) return true
      waiter.end(true)
      return false
    })
  }

  /** Nothing will be confirmed here any more: whoever waits is told. */
  close(): void {
    for (const waiter of this.waiters.splice(0)) waiter.end(false)
  }

  /** Resolves true when entry `n` is confirmed, false at the timeout, when aborted, or when the pact is closed. */
  confirmation(n: number, timeout: number, signal?: AbortSignal): Promise<boolean> {
    if (this.get(n)?.confirmed) return Promise.resolve(true)
    if (signal?.aborted) return Promise.resolve(false)
    return new Promise(resolve => {
      const end = (is: boolean) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        this.waiters = this.waiters.filter(w => w !== waiter)
        resolve(is)
      }
      const waiter: Waiter = { n, end }
      const abort = () => end(false)
      const timer = setTimeout(abort, timeout)
      signal?.addEventListener('abort', abort)
      this.waiters.push(waiter)
    })
  }
}
