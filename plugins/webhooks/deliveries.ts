/** The queue of deliveries: one line per subscription, in the order of its events. */
import type { Store } from '../store/service.ts'
import type { Value } from '../store/sqlite.ts'

export const states = ['pending', 'delivered', 'dead'] as const
export type DeliveryState = (typeof states)[number]

export interface Attempt {
  /** ISO 8601 */
  at: string
  /** HTTP status, or null when no answer came. */
  status: number | null
  error: string | null
  /** ms */
  ms: number
}

export interface Delivery {
  no: number
  subscription: number
  /** `webhook-id`: the same over all attempts. */
  id: string
  type: string
  body: string
  state: DeliveryState
  /** ms since 1970 */
  created: number
  /** When it was queued last: at first, or for a replay. */
  queued: number
  next_at: number
  /** Attempts since it was queued last. */
  tries: number
  attempts: Attempt[]
}

/** Of each subscription so many deliveries that arrived are kept, and so many dead ones. */
const KEPT = { delivered: 200, dead: 1000 }
/** Attempts that are kept of a delivery that was replayed again and again. */
const LOGGED = 50

export class Deliveries {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  add(subscription: number, id: string, type: string, body: string, now: number): void {
    this.#run(
      `INSERT INTO webhooks_deliveries(subscription, id, type, body, created, queued, next_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      subscription,
      id,
      type,
      body,
      now,
      now,
      now,
    )
  }

  /** The one that is to be sent next. */
  head(subscription: number): Delivery | null {
    return this.#list('subscription = ? AND state = 0 ORDER BY no LIMIT 1', subscription)[0] ?? null
  }

  byId(subscription: number, id: string): Delivery | null {
    return this.#list('subscription = ? AND id = ? LIMIT 1', subscription, id)[0] ?? null
  }

  /** Newest first, before a number. */
  list(subscription: number, state: DeliveryState, before: number, limit: number): Delivery[] {
    const where = 'subscription = ? AND state = ? AND no < ? ORDER BY no DESC LIMIT ?'
    return this.#list(where, subscription, states.indexOf(state), before, limit)
  }

  /** Subscriptions that have something to be sent. */
  waiting(): number[] {
    const sql =
      'SELECT no FROM webhooks_subscriptions s WHERE disabled IS NULL AND EXISTS (SELECT 1 FROM webhooks_deliveries d WHERE d.subscription = s.no AND d.state = 0)'
    return this.#store.db
      .prepare(sql)
      .all()
      .map(row => Number(row.no))
  }

  /** How many are in a state; no more than `most` are counted. */
  count(subscription: number, state: DeliveryState, most = 10_000): number {
    const sql =
      'SELECT count(*) AS n FROM (SELECT 1 FROM webhooks_deliveries WHERE subscription = ? AND state = ? LIMIT ?)'
    return Number(this.#store.db.prepare(sql).get(subscription, states.indexOf(state), most)!.n)
  }

  /** Notes an attempt and what follows from it: `next` is when to try again (ms since 1970), or what became of it. */
  attempted(delivery: Delivery, attempt: Attempt, next: number | 'delivered' | 'dead'): void {
    const attempts = JSON.stringify([...delivery.attempts, attempt].slice(-LOGGED))
    const state = typeof next === 'number' ? 0 : states.indexOf(next)
    this.#run(
      'UPDATE webhooks_deliveries SET state = ?, next_at = ?, tries = tries + 1, attempts = ? WHERE no = ?',
      state,
      typeof next === 'number' ? next : delivery.next_at,
      attempts,
      delivery.no,
    )
  }

  /** To be sent again, at its old place in the line. */
  requeue(no: number, now: number): void {
    this.#run('UPDATE webhooks_deliveries SET state = 0, queued = ?, next_at = ?, tries = 0 WHERE no = ?', now, now, no)
  }

  requeueDead(subscription: number, now: number): number {
    const sql =
      'UPDATE webhooks_deliveries SET state = 0, queued = ?, next_at = ?, tries = 0 WHERE subscription = ? AND state = 2'
    return Number(this.#store.db.prepare(sql).run(now, now, subscription).changes)
  }

  /** Nothing more is sent: what waits is dead. */
  bury(subscription: number): void {
    this.#run('UPDATE webhooks_deliveries SET state = 2 WHERE subscription = ? AND state = 0', subscription)
  }

  /** Lets go of the oldest that nobody will look at any more. */
  prune(subscription: number): void {
    for (const state of ['delivered', 'dead'] as const) {
      const of = [subscription, states.indexOf(state)] as const
      this.#run(
        `DELETE FROM webhooks_deliveries WHERE subscription = ? AND state = ? AND no <=
           (SELECT no FROM webhooks_deliveries WHERE subscription = ? AND state = ? ORDER BY no DESC LIMIT 1 OFFSET ?)`,
        ...of,
        ...of,
        KEPT[state],
      )
    }
  }

  #run(sql: string, ...values: Value[]): void {
    this.#store.db.prepare(sql).run(...values)
  }

  #list(where: string, ...values: Value[]): Delivery[] {
    const rows = this.#store.db.prepare(`SELECT * FROM webhooks_deliveries WHERE ${where}`).all(...values)
    return rows.map(({ state, attempts, ...rest }) => ({
      ...(rest as unknown as Delivery),
      state: states[Number(state)]!,
      attempts: JSON.parse(String(attempts)) as Attempt[],
    }))
  }
}
