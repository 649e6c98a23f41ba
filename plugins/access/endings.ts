/** Who is told when a token ends: whoever goes on answering its caller after the request was let in. */
import type { Caller } from '../operations/operation.ts'

/** Longer than this no timer runs. */
const LONGEST_TIMER = 2 ** 31 - 1

interface Waiting {
  listeners: Set<() => void>
  /** For the end of its lifetime; there is none for a token that nobody waits for. */
  timer: NodeJS.Timeout | undefined
}

export class Endings {
  readonly #clock: () => number
  readonly #waiting = new Map<Caller, Waiting>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** @param expires ms since 1970; null for no end */
  add(caller: Caller, expires: number | null, fn: () => void): () => void {
    const waiting = this.#waiting.get(caller) ?? { listeners: new Set(), timer: undefined }
    const { listeners } = waiting
    // One function may wait more than once.
    const listener = () => fn()
    listeners.add(listener)
    this.#waiting.set(caller, waiting)
    if (expires !== null && !waiting.timer) this.#await(caller, waiting, expires)
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.#forget(caller)
    }
  }

  /** Tells everybody who waits for this token. */
  ended(caller: Caller): void {
    const waiting = this.#waiting.get(caller)
    this.#forget(caller)
    for (const fn of waiting?.listeners ?? []) fn()
  }

  #await(caller: Caller, waiting: Waiting, expires: number): void {
    const left = expires - this.#clock()
    if (left <= 0) this.ended(caller)
    else waiting.timer = setTimeout(() => this.#await(caller, waiting, expires), Math.min(left, LONGEST_TIMER)).unref()
  }

  #forget(caller: Caller): void {
    clearTimeout(this.#waiting.get(caller)?.timer)
    this.#waiting.delete(caller)
  }
}
