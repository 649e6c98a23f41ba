/** Subscriptions as they are kept: who wants what sent where, and how it went. */
import { randomBytes } from 'node:crypto'
import type { Match } from '../events/service.ts'
import type { Store } from '../store/service.ts'
import type { Value } from '../store/sqlite.ts'
import { newSecret } from './signature.ts'

export interface Subscription {
  no: number
  id: string
  /** Id of the pact. */
  pact: string
  callback: string
  match: Match
  /** Number of the newest event when it was made. */
  since: number
  /** Agent that made it. */
  agent: string
  /** ms since 1970 */
  created: number
  /** Whether its callback may be on this machine. */
  loopback: boolean
  /** The newest first; the older one until it expires. */
  secrets: string[]
  /** Why nothing is sent any more, or null. */
  disabled: string | null
  /** Attempts in a row that failed. */
  failures: number
  last_success: number | null
  last_failure: number | null
  last_error: string | null
}

export type NewSubscription = Pick<Subscription, 'pact' | 'callback' | 'match' | 'since' | 'agent' | 'loopback'>

/** A replaced secret signs as well for a day. */
export const ROTATION_MS = 24 * 3600 * 1000

export class Subscriptions {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  add({ pact, callback, match, since, agent, loopback }: NewSubscription): Subscription {
    const id = `sub_${randomBytes(9).toString('base64url')}`
    this.#run(
      `INSERT INTO webhooks_subscriptions(id, pact, callback, match, since, agent, created, loopback, secret)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      pact,
      callback,
      JSON.stringify(match),
      since,
      agent,
      Date.now(),
      loopback ? 1 : 0,
      newSecret(),
    )
    return this.byId(pact, id)!
  }

  byId(pact: string, id: string): Subscription | null {
    return this.#one('id = ? AND pact = ?', id, pact)
  }

  byNo(no: number): Subscription | null {
    return this.#one('no = ?', no)
  }

  ofPact(pact: string): Subscription[] {
    return this.#all('WHERE pact = ? ORDER BY no', pact)
  }

  all(): Subscription[] {
    return this.#all('ORDER BY no')
  }

  /** With its deliveries. */
  remove({ no }: Subscription): void {
    this.#store.transaction(() => {
      this.#run('DELETE FROM webhooks_deliveries WHERE subscription = ?', no)
      this.#run('DELETE FROM webhooks_subscriptions WHERE no = ?', no)
    })
  }

  /** The new secret. */
  rotate({ no }: Subscription): string {
    const secret = newSecret()
    this.#run(
      'UPDATE webhooks_subscriptions SET old_secret = secret, old_until = ?, secret = ? WHERE no = ?',
      Date.now() + ROTATION_MS,
      secret,
      no,
    )
    return secret
  }

  disable(no: number, reason: string): void {
    this.#run('UPDATE webhooks_subscriptions SET disabled = ? WHERE no = ?', reason, no)
  }

  succeeded(no: number, at: number): void {
    this.#run('UPDATE webhooks_subscriptions SET failures = 0, last_success = ? WHERE no = ?', at, no)
  }

  failed(no: number, at: number, error: string): void {
    const sql =
      'UPDATE webhooks_subscriptions SET failures = failures + 1, last_failure = ?, last_error = ? WHERE no = ?'
    this.#run(sql, at, error, no)
  }

  #run(sql: string, ...values: Value[]): void {
    this.#store.db.prepare(sql).run(...values)
  }

  #one(where: string, ...values: Value[]): Subscription | null {
    return this.#all(`WHERE ${where}`, ...values)[0] ?? null
  }

  #all(clause: string, ...values: Value[]): Subscription[] {
    const rows = this.#store.db.prepare(`SELECT * FROM webhooks_subscriptions ${clause}`).all(...values)
    return rows.map(row => {
      const { match, loopback, secret, old_secret, old_until, ...rest } = row
      const old = old_secret && Number(old_until) > Date.now() ? [String(old_secret)] : []
      return {
        ...(rest as unknown as Subscription),
        match: JSON.parse(String(match)) as Match,
        loopback: loopback === 1,
        secrets: [String(secret), ...old],
      }
    })
  }
}
