/** How long requests live: their signals abort when the client goes away, or when the daemon stops. */
import type { ServerResponse } from 'node:http'

/** One running request. */
export class Lifetime {
  /** Reads and streams are given up at once when the daemon stops; writes may finish. */
  readonly read: boolean
  /** Where it stands in the list of those that run. */
  place = 0
  #abort: AbortController | null = null
  #over = false

  constructor(read: boolean) {
    this.read = read
  }

  /** Made when first asked for: most reads are answered without looking at it. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#over) this.#abort.abort()
    return this.#abort.signal
  }

  end(): void {
    this.#over = true
    this.#abort?.abort()
  }
}

export class Lifetimes {
  /** A list and not a Set: V8 keeps what was deleted from a busy Set, here whole requests, until a full collection. */
  readonly #running: Lifetime[] = []
  readonly #afterEach: () => void
  #closing = false

  /** @param afterEach called after a request that ended while closing */
  constructor(afterEach: () => void) {
    this.#afterEach = afterEach
  }

  /** Follows one request to its end. */
  begin(response: ServerResponse, read: boolean): Lifetime {
    const lifetime = new Lifetime(read)
    lifetime.place = this.#running.push(lifetime) - 1
    response.once('close', () => {
      this.#drop(lifetime)
      if (!response.writableFinished) lifetime.end()
      if (this.#closing) this.#afterEach()
    })
    if (this.#closing && read) lifetime.end()
    return lifetime
  }

  /** Ends reads and streams. */
  close(): void {
    this.#closing = true
    for (const lifetime of this.#running) if (lifetime.read) lifetime.end()
  }

  /** Ends everything that still runs. */
  endAll(): void {
    for (const lifetime of this.#running) lifetime.end()
  }

  /** The last one takes the place of the one that goes. */
  #drop({ place }: Lifetime): void {
    const last = this.#running.pop()
    if (!last || last.place === place) return
    last.place = place
    this.#running[place] = last
  }
}
