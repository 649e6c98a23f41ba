/** The end of one call: the caller's signal or the time limit, whichever comes first. */
import { failure } from './errors.ts'

export class Deadline {
  readonly #controller = new AbortController()
  readonly #timer: ReturnType<typeof setTimeout>
  readonly #user: AbortSignal | undefined
  readonly #what: string
  readonly #timeout: number
  readonly at: number

  /** @param timeout ms */
  constructor(what: string, timeout: number, user?: AbortSignal) {
    user?.throwIfAborted()
    this.#what = what
    this.#timeout = timeout
    this.#user = user
    this.at = Date.now() + timeout
    this.#timer = setTimeout(this.#end, timeout)
    user?.addEventListener('abort', this.#end)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Throws what ended the call, if anything did. @throws the reason of the caller's signal; OpenPactError CALL_TIMEOUT */
  check(): void {
    this.#user?.throwIfAborted()
    if (this.signal.aborted) throw failure('CALL_TIMEOUT', { what: this.#what, timeout: this.#timeout })
  }

  /** Waits. @throws as `check` */
  async pause(ms: number): Promise<void> {
    await pause(ms, this.signal)
    this.check()
  }

  /** The call is over: nothing of it is left behind on the caller's signal. */
  release(): void {
    clearTimeout(this.#timer)
    this.#user?.removeEventListener('abort', this.#end)
  }

  readonly #end = (): void => {
    this.#controller.abort()
  }
}

/** Waits so many ms, or until the signal is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
    function done() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    if (signal?.aborted) done()
  })
}
