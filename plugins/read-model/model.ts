/** The service: one index for all pacts, a follower per open pact, and the questions that can be asked of them. */
import type { Kernel, Logger, LogRecord, Pact } from '../../kernel/index.ts'
import { agentNamed } from '../operations/named-agent.ts'
import type { Database, Statement } from '../store/sqlite.ts'
import { dumpOf } from './dump.ts'
import type { EntryRow } from './entries.ts'
import { changesOf, happenings } from './history.ts'
import { IndexParts } from './index-parts.ts'
import { PactIndex } from './pact-index.ts'
import { readPayload } from './payloads.ts'
import { limitOf, type Names, pageOf, referringKeys } from './queries.ts'
import { recheckTypes } from './recheck.ts'
import { positionOf } from './rows.ts'
import {
  type EntryQuery,
  type EntryView,
  encodeCursor,
  type Happening,
  type Page,
  type Progress,
  type ReadModel,
} from './service.ts'
import type { SubjectChange } from './table.ts'
import type { ContributedTable } from './tables.ts'

/** ms that a written entry is waited for. */
const WRITTEN_LIMIT = 5000

export class Index implements ReadModel {
  readonly db: Database
  readonly #parts: IndexParts
  readonly #kernel: Kernel
  readonly #open = new Map<string, PactIndex>()
  readonly #listeners = new Set<(pact: Pact, from: number) => void>()
  readonly #closing = new AbortController()
  #rechecking: Promise<void> = Promise.resolve()

  constructor(db: Database, kernel: Kernel, log: Logger) {
    this.db = db
    this.#kernel = kernel
    this.#parts = new IndexParts(db, kernel, log)
    this.#parts.notify = (pact, from) => this.#notify(pact, from)
    this.#parts.lost = () => {
      for (const index of this.#open.values()) index.lost()
    }
  }

  /**
   * Makes the plugins' tables, before any pact is opened. Resolves when stored payloads were judged by the entry types of now,
   * which nobody has to wait for.
   * @throws OpenPactError TABLE_INVALID, at once
   */
  begin(tables: readonly ContributedTable[]): Promise<void> {
    this.#parts.tables.open(tables)
    this.#rechecking = recheckTypes(this.#parts, this.#kernel, this.#closing.signal).catch(error =>
      this.#parts.log.error('Entry types could not be checked again.', { error: String(error) }),
    )
    return this.#rechecking
  }

  /** Drops what is left of pacts that are not on this machine any more. When every pact was opened. */
  forgetGone(): void {
    for (const { no, id } of this.db.prepare('SELECT no, id FROM pacts').all()) {
      if (!this.#open.has(String(id))) this.#parts.forgetPact(Number(no))
    }
  }

  opened(pact: Pact): Promise<void> {
    return this.#of(pact).open()
  }

  applied(pact: Pact, records: readonly LogRecord[]): Promise<void> {
    return this.#of(pact).applied(records)
  }

  reverted(pact: Pact, position: number): Promise<void> {
    return this.#of(pact).preview.recheck(position)
  }

  confirmed(pact: Pact): Promise<void> {
    return this.#of(pact).moreConfirmed()
  }

  async closed(pact: Pact): Promise<void> {
    await this.#open.get(pact.id)?.close()
    this.#open.delete(pact.id)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#rechecking, ...[...this.#open.values()].map(index => index.close())])
    this.#open.clear()
    try {
      this.#parts.commit()
    } finally {
      this.db.close()
    }
  }

  pactNo(pact: Pact): number {
    return this.#of(pact).no
  }

  prepare(sql: string): Statement {
    return this.db.prepare(sql)
  }

  entry(pact: Pact, id: string): EntryView | null {
    const index = this.#of(pact)
    return this.#render(index, this.#parts.entries.byId(index.no, id))
  }

  entryAt(pact: Pact, position: number): EntryView | null {
    const index = this.#of(pact)
    return this.#render(index, this.#parts.entries.at(index.no, position))
  }

  entriesAt(pact: Pact, positions: Iterable<number>): Map<number, EntryView> {
    const { no, confirmed } = this.#of(pact)
    const rows = this.#parts.entries.accepted(no, new Set(positions))
    return new Map(rows.map(row => [positionOf(row.at), this.#parts.entries.render(row, confirmed)]))
  }

  entryByDedup(pact: Pact, dedup: Buffer, agent?: string): EntryView | null {
    const index = this.#of(pact)
    const no = agent === undefined ? undefined : (this.#parts.people.find(index.no, agent)?.no ?? null)
    return no === null ? null : this.#render(index, this.#parts.entries.byDedup(index.no, dedup, no))
  }

  entries(pact: Pact, query: EntryQuery): Page<EntryView> {
    const index = this.#of(pact)
    const { rows, cursor, has_more } = pageOf(this.db, index.no, query, this.#names(index, query), !index.preview.empty)
    const { confirmed } = index
    const entries = rows.map(row => this.#parts.entries.render(row, confirmed))
    return { entries, cursor, has_more, ...partly(index) }
  }

  referencedBy(
    pact: Pact,
    id: string,
    options: { type?: string; order?: 'asc' | 'desc'; limit?: number; cursor?: string } = {},
  ): Page<EntryView> {
    const index = this.#of(pact)
    const limit = limitOf(options.limit)
    const type = options.type === undefined ? undefined : this.#parts.words.find(options.type)
    if (type === null) return { entries: [], cursor: null, has_more: false, ...partly(index) }
    const keys = referringKeys(this.db, index.no, id, { ...options, type, limit: limit + 1 })
    const shown = keys.slice(0, limit)
    const has_more = keys.length > limit
    return {
      entries: shown.flatMap(key => this.#render(index, this.#parts.entries.at(index.no, positionOf(key))) ?? []),
      cursor: has_more ? encodeCursor([positionOf(shown.at(-1)!)]) : null,
      has_more,
      ...partly(index),
    }
  }

  view(pact: Pact, record: LogRecord): EntryView {
    const index = this.#of(pact)
    return this.#parts.entries.renderRecord(index.no, record, readPayload(record, this.#kernel), index.confirmed)
  }

  progress(pact: Pact): Progress {
    const { no, indexed, floor, partial, rebuilds, authors } = this.#of(pact)
    const length = pact.closed ? indexed : pact.length
    const lagging = this.#parts.tables.lagging(no)
    const reach = Math.min(indexed, authors.unnamed, ...lagging.values())
    return { indexed, confirmed: floor, length, reach, partial: partial || lagging.size > 0, rebuilds }
  }

  sync(pact: Pact): Promise<void> {
    return this.#of(pact).sync()
  }

  async written(pact: Pact, id: string): Promise<void> {
    const index = this.#of(pact)
    const there = () => this.#parts.entries.byId(index.no, id) !== null
    if (there()) return
    await index.sync()
    if (there()) return
    await new Promise<void>(resolve => {
      const end = () => {
        clearTimeout(timer)
        undo()
        resolve()
      }
      const timer = setTimeout(end, WRITTEN_LIMIT)
      const undo = this.onSync(moved => {
        if (moved === pact && there()) end()
      })
    })
  }

  changes(pact: Pact, position: number, limit: number): Promise<Happening[]> {
    return happenings(this.#of(pact), this.#parts, position, limit)
  }

  changesAt(pact: Pact, position: number): SubjectChange[] {
    return changesOf(this.#parts, this.#of(pact).no, position, position + 1).get(position) ?? []
  }

  chainAt(pact: Pact, position: number): Promise<Buffer | null> {
    return this.#of(pact).chainAt(position)
  }

  epoch(pact: Pact): number {
    return this.#of(pact).epoch
  }

  async rebuild(): Promise<void> {
    for (const index of [...this.#open.values()]) {
      await index.exclusively(async () => index.wipe())
      await index.sync()
    }
  }

  dump(pact: Pact): string {
    return dumpOf(this.#of(pact), this.#parts)
  }

  async author(...[call, text]: Parameters<ReadModel['author']>): Promise<string> {
    const known = this.#parts.people.named(this.#of(call.pact).no, text)
    return known?.key ?? (await agentNamed(call, text, { revoked: true })).key
  }

  onSync(fn: (pact: Pact, from: number) => void): () => void {
    this.#listeners.add(fn)
    return () => void this.#listeners.delete(fn)
  }

  #of(pact: Pact): PactIndex {
    const known = this.#open.get(pact.id)
    // A pact that was closed and opened again is another object; the closed one only reads what is there.
    if (known && (known.pact === pact || pact.closed)) return known
    const index = new PactIndex(pact, this.#parts)
    this.#open.set(pact.id, index)
    return index
  }

  #names(index: PactIndex, { type, topic, agent }: EntryQuery): Names {
    const { words, people } = this.#parts
    const types = type === undefined ? null : [...new Set(typeof type === 'string' ? [type] : type)]
    const names: Names = { types: types?.map(name => words.find(name)) ?? null }
    if (topic !== undefined) names.topic = words.find(topic)
    if (agent !== undefined) names.agent = people.named(index.no, agent)?.no ?? null
    return names
  }

  #render(index: PactIndex, row: EntryRow | null): EntryView | null {
    return row && this.#parts.entries.render(row, index.confirmed)
  }

  #notify(pact: Pact, from: number): void {
    for (const fn of this.#listeners) {
      try {
        fn(pact, from)
      } catch (error) {
        this.#parts.log.error('A listener of the index failed.', { error: String(error) })
      }
    }
  }
}

function partly({ partial }: PactIndex): { partial?: true } {
  return partial ? { partial } : {}
}
