/**
 * Sends what is queued. One delivery at a time per subscription, so that the order holds; many subscriptions at a time. The one that
 * failed is tried again before those behind it. Whatever ends the process, what was not answered with success is sent again.
 */
import type { Logger } from '../../kernel/index.ts'
import type { Store } from '../store/service.ts'
import type { Deliveries, Delivery } from './deliveries.ts'
import type { Outcome, Poster } from './post.ts'
import { delayAfter, lifetime } from './schedule.ts'
import { sign } from './signature.ts'
import type { Subscription, Subscriptions } from './subscriptions.ts'

/** Requests under way at a time. */
const AT_ONCE = 32
const PRUNE_EVERY = 100
const RETRY_MS = 1000
/** Longer than this no timer of Node can wait. */
const LONGEST_TIMER = 2 ** 31 - 1

export interface CourierParts {
  store: Store
  subscriptions: Subscriptions
  deliveries: Deliveries
  poster: Poster
  log: Logger
  /** Seconds before each attempt. */
  schedule: readonly number[]
  /** Nothing is sent to a subscription any more. */
  ondisabled(subscription: Subscription): void
}

export class Courier {
  readonly #parts: CourierParts
  readonly #running = new Map<number, Promise<void>>()
  /** Subscriptions to look at again when the look that is under way ends. */
  readonly #again = new Set<number>()
  readonly #timers = new Map<number, NodeJS.Timeout>()
  readonly #closing = new AbortController()
  readonly #queue: (() => void)[] = []
  #free = AT_ONCE
  #sent = 0

  constructor(parts: CourierParts) {
    this.#parts = parts
  }

  /** There is something to be sent, or may be. */
  kick(no: number): void {
    if (this.#closing.signal.aborted) return
    clearTimeout(this.#timers.get(no))
    this.#timers.delete(no)
    if (this.#running.has(no)) {
      this.#again.add(no)
      return
    }
    const work = this.#line(no).finally(() => {
      this.#running.delete(no)
      if (this.#again.delete(no)) this.kick(no)
    })
    this.#running.set(no, work)
  }

  /** One attempt outside the line. */
  async ping(
    { id, callback, loopback, secrets }: Subscription,
    message: { id: string; body: string },
  ): Promise<Outcome> {
    this.#parts.log.debug('Pinging a subscription.', { subscription: id })
    return this.#post(callback, loopback, secrets, message)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const timer of this.#timers.values()) clearTimeout(timer)
    for (const go of this.#queue.splice(0)) go()
    await Promise.all(this.#running.values())
  }

  async #line(no: number): Promise<void> {
    const { subscriptions, deliveries } = this.#parts
    try {
      while (!this.#closing.signal.aborted) {
        const subscription = subscriptions.byNo(no)
        const delivery = subscription?.disabled === null ? deliveries.head(no) : null
        if (!subscription || !delivery) return
        const wait = delivery.next_at - Date.now()
        if (wait > 0) return this.#later(no, wait)
        const outcome = await this.#post(subscription.callback, subscription.loopback, subscription.secrets, delivery)
        if (this.#closing.signal.aborted) return
        this.#note(subscription, delivery, outcome)
      }
    } catch (error) {
      // The database: the delivery stays where it was.
      this.#parts.log.error('A delivery could not be noted; it is tried again.', { error: String(error) })
      this.#later(no, RETRY_MS)
    }
  }

  #note(subscription: Subscription, delivery: Delivery, { status, error, ms, retryAfter }: Outcome): void {
    const { store, subscriptions, deliveries, schedule, ondisabled, log } = this.#parts
    const now = Date.now()
    const attempt = { at: new Date(now).toISOString(), status, error, ms }
    const { no } = subscription
    // Deleted while its request was under way.
    if (!subscriptions.byNo(no)) return
    store.transaction(() => {
      if (error === null) {
        deliveries.attempted(delivery, attempt, 'delivered')
        subscriptions.succeeded(no, now)
      } else {
        subscriptions.failed(no, now, error)
        const delay = delayAfter(delivery.tries + 1, retryAfter, schedule)
        const over = status === 410 || delay === null || this.#hopeless(subscription, now)
        deliveries.attempted(delivery, attempt, over ? 'dead' : now + delay)
        if (status === 410) {
          subscriptions.disable(no, 'the callback answered 410 Gone')
          deliveries.bury(no)
        }
      }
      if (++this.#sent % PRUNE_EVERY === 0) deliveries.prune(no)
    })
    if (status === 410) {
      log.warn('A callback is gone; its subscription is disabled.', { subscription: subscription.id })
      ondisabled(subscription)
    }
  }

  /** A delivery was given up and nothing arrived for as long since: those behind it get one attempt each. */
  #hopeless({ failures, last_success, created }: Subscription, now: number): boolean {
    const { schedule } = this.#parts
    return failures >= schedule.length && now - (last_success ?? created) > lifetime(schedule)
  }

  async #post(
    callback: string,
    loopback: boolean,
    secrets: readonly string[],
    { id, body }: { id: string; body: string },
  ): Promise<Outcome> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(go => this.#queue.push(go))
    try {
      const headers = sign(id, Date.now(), body, secrets)
      return await this.#parts.poster.post(callback, loopback, headers, body, this.#closing.signal)
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#free++
    }
  }

  #later(no: number, ms: number): void {
    if (this.#closing.signal.aborted) return
    const timer = setTimeout(() => this.kick(no), Math.min(ms, LONGEST_TIMER)).unref()
    this.#timers.set(no, timer)
  }
}
