/** Brings tables that were made anew up to the index again, one piece at a time between what else the pact has to do. */
import { ACCEPTED, type LogRecord } from '../../kernel/index.ts'
import type { IndexParts } from './index-parts.ts'
import type { PactIndex } from './pact-index.ts'
import { readPayload } from './payloads.ts'
import { lanes, positionOf, rowKey } from './rows.ts'

const CHUNK = 256
const PROGRESS_MS = 5000

export class TableRebuild {
  readonly #index: PactIndex
  readonly #parts: IndexParts
  #running = false
  #told = Date.now()

  constructor(index: PactIndex, parts: IndexParts) {
    this.#index = index
    this.#parts = parts
  }

  /** Resolves when no table of the pact lags behind, or the pact is closing. Does nothing while it is at work already. */
  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    const { tables, notify, log } = this.#parts
    const { pact, no } = this.#index
    try {
      while (!this.#index.closed) {
        const next = tables.lagging(no).entries().next().value
        if (!next) break
        const moved = await this.#index.exclusively(() => this.#piece(next[0]))
        // A record is not here, or was moved by a reorder that the index has not seen yet: its next sync starts this again.
        if (!moved) return
        this.#tell(next[0])
      }
      if (!this.#index.closed) notify(pact, 0)
    } catch (error) {
      if (!this.#index.closed) log.error('A table cannot be rebuilt now.', { pact: pact.alias, error: String(error) })
    } finally {
      this.#running = false
    }
  }

  /** Projects the next records that one table wants. Answers false when it cannot go on now. */
  async #piece(name: string): Promise<boolean> {
    const { tables } = this.#parts
    const { no } = this.#index
    const from = tables.lagging(no).get(name)
    if (from === undefined || this.#index.closed) return true
    const wanted = this.#positions(name, from)
    const records = await Promise.all(wanted.map(position => this.#index.pact.record(position)))
    if (this.#index.closed) return true
    let reached = from
    this.#parts.transaction(() => {
      const gap = records.findIndex(record => !record || !this.#holds(record))
      for (const record of gap < 0 ? records : records.slice(0, gap)) {
        this.#project(name, record!)
        reached = record!.position + 1
      }
      if (gap < 0 && wanted.length < CHUNK) reached = this.#index.indexed
      tables.advance(no, name, reached === this.#index.indexed ? null : reached)
    })
    return reached > from || from === this.#index.indexed
  }

  /** Positions of the next accepted entries of the table's types. */
  #positions(name: string, from: number): number[] {
    const { db, tables, words } = this.#parts
    const range = [rowKey(this.#index.no, lanes.accepted, from), rowKey(this.#index.no, lanes.refused, 0)] as const
    const found: number[] = []
    for (const type of tables.types(name)) {
      const word = words.find(type)
      if (word === null) continue
      const rows = db
        .prepare(
          'SELECT at FROM entries INDEXED BY entries_type WHERE type = ? AND at >= ? AND at < ? ORDER BY at LIMIT ?',
        )
        .all(word, ...range, CHUNK)
      for (const { at } of rows) found.push(positionOf(Number(at)))
    }
    return found.sort((a, b) => a - b).slice(0, CHUNK)
  }

  /** Whether the index has this very record at its position. Confirmed ones cannot be others. */
  #holds({ position, chain }: LogRecord): boolean {
    if (position < this.#index.floor) return true
    const at = rowKey(this.#index.no, lanes.accepted, position + 1)
    const row = this.#parts.db.prepare('SELECT chain FROM checkpoints WHERE at = ?').get(at)
    return row !== undefined && chain.equals(row.chain as Uint8Array)
  }

  #project(name: string, record: LogRecord): void {
    const { db, tables, kernel } = this.#parts
    const read = readPayload(record, kernel)
    if (record.verdict !== ACCEPTED || read.unreadable !== null) return
    const at = rowKey(this.#index.no, lanes.accepted, record.position)
    const step = { pact: this.#index.pact, pactNo: this.#index.no, record, at, payload: read.value }
    const fault = tables.project(step, record.position >= this.#index.floor, name)
    if (fault) db.prepare('UPDATE entries SET unreadable = ? WHERE at = ?').run(fault, at)
  }

  #tell(table: string): void {
    if (Date.now() - this.#told < PROGRESS_MS) return
    this.#told = Date.now()
    const reached = this.#parts.tables.lagging(this.#index.no).get(table)
    this.#parts.log.info('Rebuilding a table.', {
      pact: this.#index.pact.alias,
      table,
      reached,
      of: this.#index.indexed,
    })
  }
}
