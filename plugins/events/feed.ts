/** The service: events as they are read, rendered from outbox and index. */
import type { Kernel, Logger, Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import { Filler } from './filler.ts'
import type { Outbox, OutboxRow } from './outbox.ts'
import { CORRECTION, ENTRY_APPLIED, type Events, type PactEvent } from './service.ts'

export class Feed implements Events {
  readonly #outbox: Outbox
  readonly #filler: Filler
  readonly #model: ReadModel
  readonly #kernel: Kernel
  readonly #log: Logger
  readonly #listeners = new Set<(pact: Pact) => void>()
  /** What readers were told of last, by pact. */
  readonly #told = new Map<string, string>()
  readonly #unfollow: () => void

  constructor(outbox: Outbox, model: ReadModel, kernel: Kernel, log: Logger) {
    this.#model = model
    this.#kernel = kernel
    this.#log = log
    this.#outbox = outbox
    this.#filler = new Filler(outbox, model, log, (pact, filled) => this.#moved(pact, filled))
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
    const found: PactEvent[] = []
    const reaches = new Map<string, number>()
    for (const row of this.#outbox.rows(seq, pact, limit)) {
      const open = this.#kernel.pacts.find(row.pact)
      if (open && !row.stale && row.kind !== CORRECTION) {
        const reach = reaches.get(open.id) ?? this.#reach(open)
        reaches.set(open.id, reach)
        if (row.position >= reach) break
      }
      found.push(this.#render(row, open))
    }
    return found
  }

  head(): number {
    return this.#outbox.head()
  }

  floor(): number {
    return this.#outbox.floor()
  }

  cursor(seq: number): string {
    return this.#outbox.cursor(seq)
  }

  read(cursor: string): number {
    return this.#outbox.read(cursor)
  }

  onEvents(fn: (pact: Pact) => void): () => void {
    this.#listeners.add(fn)
    return () => void this.#listeners.delete(fn)
  }

  settled(pact: Pact): Promise<void> {
    return this.#filler.settled(pact)
  }

  #render(row: OutboxRow, pact: Pact | null): PactEvent {
    const { seq, position, kind, subject, subject_id } = row
    const event: PactEvent = { seq, id: row.id.toString('hex'), pact: row.pact, kind, subject, subject_id, position }
    if (row.corrects) event.corrects = row.corrects.toString('hex')
    if (row.stale) event.stale = true
    if (kind === CORRECTION) return event
    const standing = row.stale ? null : pact
    if (kind === ENTRY_APPLIED) event.entry = standing && this.#model.entry(standing, subject_id)
    else if (standing) {
      const change = this.#model.changesAt(standing, position).find(c => c.kind === kind && c.id === subject_id)
      if (change?.data !== undefined) event.data = change.data
    }
    return event
  }

  /** Positions below this can be looked up as they were recorded. */
  #reach(pact: Pact): number {
    return this.#filler.agrees(pact) ? this.#model.progress(pact).reach : 0
  }

  /** The outbox and the index of a pact agree again: readers are told if there is more for them than before. */
  #moved(pact: Pact, filled: boolean): void {
    const { reach, confirmed } = this.#model.progress(pact)
    const state = `${this.#model.epoch(pact)} ${reach} ${confirmed}`
    if (!filled && this.#told.get(pact.id) === state) return
    this.#told.set(pact.id, state)
    for (const fn of this.#listeners) {
      try {
        fn(pact)
      } catch (error) {
        this.#log.error('A listener of events failed.', { error: String(error) })
      }
    }
  }
}
