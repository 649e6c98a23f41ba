/** Signals of running requests: aborted when the client goes away, or when the daemon stops. */
import type { ServerResponse } from 'node:http'

interface Running {
  abort: AbortController
  /** Reads and streams are given up at once when the daemon stops; writes may finish. */
  read: boolean
}

export class Lifetimes {
  readonly #running = new Set<Running>()
  readonly #afterEach: () => void
  #closing = false

  /** @param afterEach called after a request that ended while closing */
  constructor(afterEach: () => void) {
    this.#afterEach = afterEach
  }

  /** The signal of one request. */
  begin(response: ServerResponse, read: boolean): AbortSignal {
    const running: Running = { abort: new AbortController(), read }
    this.#running.add(running)
    response.once('close', () => {
      this.#running.delete(running)
      if (!response.writableFinished) running.abort.abort()
      if (this.#closing) this.#afterEach()
    })
    if (this.#closing && read) running.abort.abort()
    return running.abort.signal
  }

  /** Ends reads and streams. */
  close(): void {
    this.#closing = true
    for (const { abort, read } of this.#running) if (read) abort.abort()
  }

  /** Ends everything that still runs. */
  abortAll(): void {
    for (const { abort } of this.#running) abort.abort()
  }
}
