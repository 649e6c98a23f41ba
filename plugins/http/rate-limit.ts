/** Token buckets: how many requests a caller may make. */

export interface Rate {
  /** Requests that may come at once. */
  burst: number
  /** Requests per second in the long run. */
  rate: number
}

/** One caller's allowance. It fills up again with time. */
export class Bucket {
  readonly #rate: Rate
  #left: number
  #at: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#at = now
  }

  /** Takes one request out. Answers 0, or the seconds until there is one again. @param now milliseconds, monotonic */
  take(now: number): number {
    this.#fill(now)
    if (this.#left >= 1) {
      this.#left -= 1
      return 0
    }
    return (1 - this.#left) / this.#rate.rate
  }

  full(now: number): boolean {
    this.#fill(now)
    return this.#left >= this.#rate.burst
  }

  #fill(now: number): void {
    if (now <= this.#at) return
    this.#left = Math.min(this.#rate.burst, this.#left + ((now - this.#at) / 1000) * this.#rate.rate)
    this.#at = now
  }
}

/** More addresses than this are not remembered at once. */
const ADDRESSES = 1024

/** One bucket per valid token, and one per remote address for everybody else. */
export class RateLimit {
  readonly #token: Rate
  readonly #stranger: Rate
  readonly #byCaller = new WeakMap<object, Bucket>()
  readonly #byAddress = new Map<string, Bucket>()

  constructor(token: Rate, stranger: Rate) {
    this.#token = token
    this.#stranger = stranger
  }

  /** Seconds that the caller must wait; 0 when it may go on. */
  take(caller: object | null, address: string, now: number): number {
    const known = caller ? this.#byCaller.get(caller) : this.#byAddress.get(address)
    if (known) return known.take(now)
    const bucket = new Bucket(caller ? this.#token : this.#stranger, now)
    if (caller) this.#byCaller.set(caller, bucket)
    else this.#remember(address, bucket, now)
    return bucket.take(now)
  }

  #remember(address: string, bucket: Bucket, now: number): void {
    if (this.#byAddress.size >= ADDRESSES) {
      for (const [other, idle] of this.#byAddress) if (idle.full(now)) this.#byAddress.delete(other)
      // Still too many at once: the oldest goes, so that memory stays bounded.
      const [oldest] = this.#byAddress.keys()
      if (this.#byAddress.size >= ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest)
    }
    this.#byAddress.set(address, bucket)
  }
}
