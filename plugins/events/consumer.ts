/** One consumer: goes through the outbox pact by pact and keeps its cursors together with what it makes of the events. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Kernel, Logger, Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import type { Store } from '../store/service.ts'
import type { Database } from '../store/sqlite.ts'
import type { Outbox } from './outbox.ts'
import {
  CORRECTION,
  type CompiledMatch,
  type Consumer,
  type ConsumerDefinition,
  type ConsumerStatus,
  type Events,
  type Matcher,
  type MatchIndex,
  type PactEvent,
} from './service.ts'

export interface ConsumerParts {
  store: Store
  outbox: Outbox
  events: Events
  matcher: Matcher
  model: ReadModel
  kernel: Kernel
  log: Logger
}

/** Events per transaction. */
const PAGE = 64
const RETRY_MS = 1000
/** No more than so many are counted for the status. */
const COUNTED = 100_000

export class OutboxConsumer implements Consumer {
  readonly name: string
  readonly #definition: ConsumerDefinition
  readonly #parts: ConsumerParts
  readonly #db: Database
  readonly #index: MatchIndex
  readonly #since = new Map<string, number>()
  readonly #confirmedOnly = new Set<string>()
  /** Where the consumer is, by pact; read from the database when a pact is first looked at. */
  readonly #cursors = new Map<string, number>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #again = new Set<string>()
  readonly #errors = new Map<string, string>()
  readonly #retries = new Set<NodeJS.Timeout>()
  readonly #onclose: () => void
  #unfollow: (() => void) | null = null
  #closed = false

  constructor(definition: ConsumerDefinition, parts: ConsumerParts, onclose: () => void) {
    this.name = definition.name
    this.#definition = definition
    this.#parts = parts
    this.#db = parts.store.db
    this.#index = parts.matcher.index()
    this.#onclose = onclose
  }

  set(key: string, match: CompiledMatch, since: number): void {
    // Nobody looked at what came before: it need not be gone through.
    if (this.#index.size === 0) this.#cursors.clear()
    this.#index.set(key, match)
    this.#since.set(key, since)
    if (match.match.until === 'confirmed') this.#confirmedOnly.add(key)
    else this.#confirmedOnly.delete(key)
    if (this.#unfollow) this.#runAll()
  }

  delete(key: string): void {
    this.#index.delete(key)
    this.#since.delete(key)
    this.#confirmedOnly.delete(key)
    this.#db.prepare('DELETE FROM events_held WHERE consumer = ? AND key = ?').run(this.name, key)
  }

  start(): void {
    if (this.#unfollow || this.#closed) return
    this.#unfollow = this.#parts.events.onEvents(pact => this.#run(pact))
    this.#runAll()
  }

  status(): ConsumerStatus {
    const behind = this.#index.size === 0 ? 0 : this.#count()
    const waiting = this.#db
      .prepare('SELECT count(DISTINCT seq) AS n FROM events_held WHERE consumer = ? AND waits = 1')
      .get(this.name)
    const error = [...this.#errors.values()][0] ?? null
    return { name: this.name, matches: this.#index.size, behind, waiting: Number(waiting!.n), error }
  }

  async settled(): Promise<void> {
    const { kernel, events } = this.#parts
    for (const pact of kernel.pacts.list()) {
      await events.settled(pact)
      this.#run(pact)
      await this.#running.get(pact.id)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#unfollow?.()
    for (const timer of this.#retries) clearTimeout(timer)
    await Promise.all(this.#running.values())
    this.#onclose()
  }

  /** A pact closes: resolves when nothing of it is read any more. */
  async release(pact: Pact): Promise<void> {
    this.#again.delete(pact.id)
    await this.#running.get(pact.id)
    this.#errors.delete(pact.id)
  }

  /** Whether some of its matches want confirmed events only. */
  get awaitsConfirmation(): boolean {
    return this.#confirmedOnly.size > 0
  }

  /** Number of the last event before those that it still has to look at, of these pacts. */
  floor(pactIds: readonly string[]): number {
    const { outbox } = this.#parts
    // What it will want is known when it has started.
    if (!this.#unfollow) return outbox.floor()
    if (this.#index.size === 0) return outbox.head()
    const next = pactIds.map(id => outbox.next(this.#cursor(id), id) ?? outbox.head() + 1)
    const held = pactIds.flatMap(id => {
      const sql = 'SELECT min(seq) AS seq FROM events_held WHERE consumer = ? AND pact = ?'
      return this.#db.prepare(sql).get(this.name, id)?.seq ?? []
    })
    return Math.min(outbox.head() + 1, ...next, ...held.map(Number)) - 1
  }

  #runAll(): void {
    for (const pact of this.#parts.kernel.pacts.list()) this.#run(pact)
  }

  /** Looks at a pact, after it was looked at if that is under way. */
  #run(pact: Pact): void {
    if (this.#closed || !this.#unfollow || this.#index.size === 0) return
    if (this.#running.has(pact.id)) {
      this.#again.add(pact.id)
      return
    }
    const work = this.#attempt(pact).finally(() => {
      this.#running.delete(pact.id)
      if (this.#again.delete(pact.id)) this.#run(pact)
    })
    this.#running.set(pact.id, work)
  }

  async #attempt(pact: Pact): Promise<void> {
    try {
      do {
        this.#again.delete(pact.id)
        if (this.#index.needsPeople) await this.#parts.matcher.people(pact)
      } while (!this.#closed && !pact.closed && this.#page(pact) && (await nextTurn(true)))
      this.#errors.delete(pact.id)
    } catch (error) {
      if (this.#closed || pact.closed) return
      // The page is in the database or not at all: what is in memory is read from there again.
      this.#cursors.delete(pact.id)
      const reason = error instanceof Error ? error.message : String(error)
      if (!this.#errors.has(pact.id))
        this.#parts.log.error('A consumer of events failed; it tries again.', {
          consumer: this.name,
          pact: pact.alias,
          reason,
        })
      this.#errors.set(pact.id, reason)
      const timer = setTimeout(() => {
        this.#retries.delete(timer)
        this.#run(pact)
      }, RETRY_MS).unref()
      this.#retries.add(timer)
    }
  }

  /** One transaction. Answers whether there may be more. */
  #page(pact: Pact): boolean {
    const { events, model, store } = this.#parts
    const from = this.#cursor(pact.id)
    const found = events.after(from, { pact, limit: PAGE })
    const { confirmed } = model.progress(pact)
    const held = this.#heldBelow(pact, confirmed)
    const last = found.at(-1)
    if (!last && held === 0) return false
    let called = false
    store.transaction(() => {
      if (held > 0) called = this.#release(pact, confirmed)
      for (const event of found) called = this.#take(event, pact, confirmed) || called
      if (last)
        this.#db.prepare('INSERT OR REPLACE INTO events_cursors VALUES (?, ?, ?)').run(this.name, pact.id, last.seq)
    })
    if (last) this.#cursors.set(pact.id, last.seq)
    if (called) this.#definition.committed?.()
    return found.length === PAGE
  }

  #take(event: PactEvent, pact: Pact, confirmed: number): boolean {
    if (event.stale) return false
    if (event.kind === CORRECTION) return this.#correct(event)
    const occurrence = this.#parts.matcher.occurrence(event, pact)
    const keys = this.#index.find(occurrence).filter(key => event.seq > (this.#since.get(key) ?? 0))
    if (keys.length === 0) return false
    const movable = event.position >= confirmed
    const waiting = movable ? keys.filter(key => this.#confirmedOnly.has(key)) : []
    const ready = waiting.length === 0 ? keys : keys.filter(key => !this.#confirmedOnly.has(key))
    if (movable) {
      const insert = this.#db.prepare('INSERT OR IGNORE INTO events_held VALUES (?, ?, ?, ?, ?, ?)')
      for (const key of waiting) insert.run(this.name, pact.id, event.seq, key, event.position, 1)
      for (const key of ready) insert.run(this.name, pact.id, event.seq, key, event.position, 0)
    }
    if (ready.length === 0) return false
    this.#definition.handle(occurrence, ready.sort())
    return true
  }

  /** Those who were told learn that it does not hold; those who waited never hear of it. */
  #correct(event: PactEvent): boolean {
    const seq = this.#parts.outbox.corrected(event.seq)
    const told = this.#db
      .prepare('DELETE FROM events_held WHERE consumer = ? AND pact = ? AND seq = ? RETURNING key, waits')
      .all(this.name, event.pact, seq)
    const keys = told.filter(({ waits }) => waits === 0).map(({ key }) => String(key))
    if (keys.length === 0) return false
    this.#definition.correct(event, keys.sort())
    return true
  }

  #heldBelow(pact: Pact, confirmed: number): number {
    const sql = `SELECT EXISTS(SELECT 1 FROM events_held WHERE consumer = ? AND pact = ? AND waits = 0 AND position < ?)
      + EXISTS(SELECT 1 FROM events_held WHERE consumer = ? AND pact = ? AND waits = 1 AND position < ?) AS n`
    const range = [this.name, pact.id, confirmed] as const
    return Number(this.#db.prepare(sql).get(...range, ...range)!.n)
  }

  /** What is confirmed now: it is handled for those who waited, and will not be corrected for the others. */
  #release(pact: Pact, confirmed: number): boolean {
    const range = [this.name, pact.id, confirmed] as const
    // An event that was taken back keeps its note until its correction comes by.
    this.#db
      .prepare(
        `DELETE FROM events_held WHERE consumer = ? AND pact = ? AND waits = 0 AND position < ?
         AND NOT EXISTS (SELECT 1 FROM events_outbox o WHERE o.seq = events_held.seq AND o.stale = 1)`,
      )
      .run(...range)
    const waiting = this.#db
      .prepare(
        `SELECT seq, key FROM events_held WHERE consumer = ? AND pact = ? AND waits = 1 AND position < ? ORDER BY seq, key`,
      )
      .all(...range)
    const keys = new Map<number, string[]>()
    for (const { seq, key } of waiting) keys.set(Number(seq), [...(keys.get(Number(seq)) ?? []), String(key)])
    let called = false
    for (const [seq, waiters] of keys) {
      const [event] = this.#parts.events.after(seq - 1, { pact, limit: 1 })
      // The index cannot say now what it is about.
      if (event?.seq !== seq) break
      this.#db
        .prepare('DELETE FROM events_held WHERE consumer = ? AND pact = ? AND seq = ? AND waits = 1')
        .run(this.name, pact.id, seq)
      const wanted = waiters.filter(key => this.#since.has(key))
      if (event.stale || wanted.length === 0) continue
      this.#definition.handle(this.#parts.matcher.occurrence(event, pact), wanted)
      called = true
    }
    return called
  }

  #cursor(pactId: string): number {
    const known = this.#cursors.get(pactId)
    if (known !== undefined) return known
    const row = this.#db
      .prepare('SELECT seq FROM events_cursors WHERE consumer = ? AND pact = ?')
      .get(this.name, pactId)
    const stored = Number(row?.seq ?? 0)
    const floor = this.#parts.outbox.floor()
    if (row && stored < floor)
      this.#parts.log.warn('Events were pruned before a consumer that was off could see them.', {
        consumer: this.name,
        pact: pactId,
      })
    const wanted = Math.min(...this.#since.values())
    const seq = Math.max(stored, floor, Number.isFinite(wanted) ? wanted : 0)
    this.#cursors.set(pactId, seq)
    return seq
  }

  #count(): number {
    const { kernel, outbox } = this.#parts
    let behind = 0
    for (const { id } of kernel.pacts.list()) behind += outbox.count(this.#cursor(id), id, COUNTED)
    return Math.min(behind, COUNTED)
  }
}
