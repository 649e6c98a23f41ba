/** The service: events as they are read, rendered from outbox and index. */
import type { Kernel, Logger, Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import type { Store } from '../store/service.ts'
import { Filler } from './filler.ts'
import { Outbox, type OutboxRow } from './outbox.ts'
import { CORRECTION, ENTRY_APPLIED, type Events, type PactEvent } from './service.ts'

export class Feed implements Events {
  readonly #outbox: Outbox
  readonly #filler: Filler
  readonly #model: ReadModel
  readonly #kernel: Kernel
  readonly #log: Logger
  readonly #listeners = new Set<() => void>()
  readonly #unfollow: () => void

  constructor(store: Store, model: ReadModel, kernel: Kernel, log: Logger) {
    this.#model = model
    this.#kernel = kernel
    this.#log = log
    this.#outbox = new Outbox(store)
    this.#filler = new Filler(this.#outbox, model, log, () => this.#notify())
    this.#unfollow = model.onSync(pact => this.#filler.schedule(pact))
  }

  /** A pact can be read: what was indexed before a stop and not recorded is recorded now. */
  opened(pact: Pact): void {
    this.#filler.schedule(pact)
  }

  closed(pact: Pact): Promise<void> {
    return this.#filler.release(pact)
  }

  async close(): Promise<void> {
    this.#unfollow()
    await this.#filler.close()
  }

  after(seq: number, { pact, limit = 256 }: { pact?: Pact; limit?: number } = {}): PactEvent[] {
    return this.#outbox.rows(seq, pact, limit).map(row => this.#render(row))
  }

  head(): number {
    return this.#outbox.head()
  }

  cursor(seq: number): string {
    return this.#outbox.cursor(seq)
  }

  read(cursor: string): number {
    return this.#outbox.read(cursor)
  }

  onEvents(fn: () => void): () => void {
    this.#listeners.add(fn)
    return () => void this.#listeners.delete(fn)
  }

  settled(pact: Pact): Promise<void> {
    return this.#filler.settled(pact)
  }

  #render(row: OutboxRow): PactEvent {
    const { seq, position, kind, subject, subject_id } = row
    const event: PactEvent = { seq, id: row.id.toString('hex'), pact: row.pact, kind, subject, subject_id, position }
    if (row.corrects) event.corrects = row.corrects.toString('hex')
    if (row.stale) event.stale = true
    if (kind === CORRECTION) return event
    const pact = row.stale ? null : this.#kernel.pacts.find(row.pact)
    if (kind === ENTRY_APPLIED) event.entry = pact && this.#model.entry(pact, subject_id)
    else if (pact) {
      const change = this.#model.changesAt(pact, position).find(c => c.kind === kind && c.id === subject_id)
      if (change?.data !== undefined) event.data = change.data
    }
    return event
  }

  #notify(): void {
    for (const fn of this.#listeners) {
      try {
        fn()
      } catch (error) {
        this.#log.error('A listener of events failed.', { error: String(error) })
      }
    }
  }
}
