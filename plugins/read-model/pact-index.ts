/**
 * Follows the log of one pact: undo what no longer holds, project what is new, in one transaction per step. Everything that touches
 * the pact's rows goes through one queue, so that a step never sees another one half done.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  ACCEPTED,
  type Checkpoint,
  type Delta,
  type LedgerAgent,
  type LogRecord,
  type Pact,
} from '../../kernel/index.ts'
import { Authors } from './authors.ts'
import type { IndexParts } from './index-parts.ts'
import { readPayload } from './payloads.ts'
import { Preview } from './preview.ts'
import { lanes, positionOf, rowKey } from './rows.ts'
import { TableRebuild } from './table-rebuild.ts'

const ZERO = Buffer.alloc(32)
/** Records per transaction: about 30 ms, so that a long catching up leaves room for everything else. */
const CHUNK = 256
/** Further behind than this, nobody waits for the index: it catches up in the background and the newest entries are previewed. */
const NEAR = 1000
const RECENT = 4096
const PROGRESS_MS = 5000
const RETRY_MS = 1000

export class PactIndex {
  readonly pact: Pact
  readonly no: number
  readonly preview: Preview
  readonly authors: Authors
  /** Records that are indexed: positions below this. */
  indexed = 0
  /** Chain of the indexed prefix. */
  chain: Buffer = ZERO
  /** Confirmed length as the index knows it: nothing below is ever undone. */
  floor = 0
  floorChain: Buffer = ZERO
  /** Raised whenever rows were undone: who reads in several steps compares it. */
  epoch = 0
  /** Full rebuilds because the log differed below the floor. */
  rebuilds = 0
  /** Older history is still being fetched or indexed. */
  partial = false

  readonly #parts: IndexParts
  readonly #rebuild: TableRebuild
  /** Chains of prefixes indexed lately, by their length. */
  readonly #recent = new Map<number, Buffer>()
  #tail: Promise<unknown> = Promise.resolve()
  #queued: Promise<void> | null = null
  #closed = false
  #retry: NodeJS.Timeout | null = null
  #told = 0
  /** Confirmed length at the last look, when the log held what is indexed. */
  #settled = 0

  constructor(pact: Pact, parts: IndexParts) {
    this.pact = pact
    this.#parts = parts
    const { db } = parts
    // Its number must outlive whatever fails later.
    parts.commit()
    db.prepare('INSERT OR IGNORE INTO pacts(id, indexed, chain, floor, floor_chain) VALUES (?, 0, ?, 0, ?)').run(
      pact.id,
      ZERO,
      ZERO,
    )
    this.no = Number(db.prepare('SELECT no FROM pacts WHERE id = ?').get(pact.id)!.no)
    this.authors = new Authors(this, parts)
    this.#load()
    this.preview = new Preview(this, parts)
    // Rows of an earlier run: what of them still holds is not known.
    this.preview.clear()
    this.#rebuild = new TableRebuild(this, parts)
  }

  #load(): void {
    const row = this.#parts.db.prepare('SELECT * FROM pacts WHERE no = ?').get(this.no)!
    this.indexed = Number(row.indexed)
    this.chain = Buffer.from(row.chain as Uint8Array)
    this.floor = Number(row.floor)
    this.floorChain = Buffer.from(row.floor_chain as Uint8Array)
    this.authors.load()
  }

  /** The database was taken back to an earlier state: goes on from there. */
  lost(): void {
    this.#recent.clear()
    this.#settled = 0
    this.#load()
    this.preview.clear()
    this.epoch++
    if (!this.closed) this.#later()
  }

  /**
   * Length below which nothing moves any more, of the history that is indexed: after a reorder the log may have confirmed more, in another
   * order than the index still shows.
   */
  get confirmed(): number {
    return Math.max(this.floor, this.#settled)
  }

  /** Begins to follow. Waits for the index only if it is near. */
  async open(): Promise<void> {
    // In the first step names are asked for again that an earlier run could not learn.
    this.partial = true
    const run = this.#attempt(this.sync())
    if (this.#behind(0)) await this.#attempt(this.preview.fill())
    else await run
  }

  /** New records stand in the view; resolves when they can be read. */
  async applied(records: readonly LogRecord[]): Promise<void> {
    const run = this.sync()
    if (this.#behind(records.length)) void this.#attempt(run)
    else await run.catch(error => this.#failed(error))
    if (this.indexed < this.pact.length) await (records.length > 0 ? this.preview.add(records) : this.preview.fill())
  }

  /** The confirmed length moved: shown at once, and tidied up when there is time, or with the next record. */
  async moreConfirmed(): Promise<void> {
    await this.exclusively(async () => {
      if (this.closed || this.floor === this.indexed) return
      const delta = await this.pact.delta([{ position: this.indexed, chain: this.chain }], 0)
      if (delta.common === this.indexed) this.#settle(delta)
    })
    if (this.floor < this.indexed) this.#later()
  }

  /** Catches up with the log. Calls in a row share one run, which begins after the last of them. */
  sync(): Promise<void> {
    this.#queued ??= this.exclusively(() => {
      this.#queued = null
      return this.#catchUp()
    })
    return this.#queued
  }

  /** Runs `fn` after everything before it, and alone. */
  exclusively<T>(fn: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(fn)
    this.#tail = run.catch(() => {})
    return run
  }

  /** Lets go of the pact: resolves when nothing reads it any more. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#retry) clearTimeout(this.#retry)
    await this.#tail
  }

  get closed(): boolean {
    return this.#closed || this.pact.closed
  }

  /** Empties everything derived of this pact; the next sync fills it again. */
  wipe(): void {
    const { db } = this.#parts
    this.#parts.transaction(() => {
      this.#parts.wipe(this.no)
      db.prepare('UPDATE pacts SET indexed = 0, chain = ?, floor = 0, floor_chain = ? WHERE no = ?').run(
        ZERO,
        ZERO,
        this.no,
      )
    })
    this.preview.forget(Number.POSITIVE_INFINITY)
    this.#recent.clear()
    this.#settled = 0
    Object.assign(this, { indexed: 0, chain: ZERO, floor: 0, floorChain: ZERO, epoch: this.epoch + 1 })
    this.authors.reset()
  }

  /** Chain of the prefix of a length, or null when the index does not reach so far or the record is not on this machine. */
  async chainAt(length: number): Promise<Buffer | null> {
    if (length > this.indexed) return null
    if (length === 0) return ZERO
    if (length === this.indexed) return this.chain
    if (length === this.floor) return this.floorChain
    const recent = this.#recent.get(length)
    if (recent) return recent
    if (length > this.floor) {
      const row = this.#parts.db
        .prepare('SELECT chain FROM checkpoints WHERE at = ?')
        .get(rowKey(this.no, lanes.accepted, length))
      return row ? Buffer.from(row.chain as Uint8Array) : null
    }
    // Below the floor the log never moves, so what it says now is what was indexed.
    return (await this.pact.record(length - 1))?.chain ?? null
  }

  async #catchUp(): Promise<void> {
    const wasPartial = this.partial
    for (;;) {
      if (this.closed) return
      const delta = await this.pact.delta(this.#checkpoints(), CHUNK)
      if (this.closed) return
      if (delta.common < this.floor) {
        this.#mismatch(delta)
        void this.#attempt(this.sync())
        return
      }
      const agents = await this.authors.ask(delta)
      this.#apply(delta, agents)
      this.#settle(delta)
      const left = delta.length - this.indexed
      this.partial = left > 0 && (delta.missing || this.#behind(0))
      if (left === 0 || delta.records.length === 0) break
      this.#tell(delta)
      await nextTurn()
    }
    if (!this.preview.empty && this.indexed >= this.pact.length) this.preview.clear()
    if (wasPartial && !this.partial) await this.authors.askAgain()
    if (this.authors.unnamed < this.indexed) void this.#attempt(this.#nameAuthors())
    if (this.#parts.tables.lagging(this.no).size > 0) void this.#attempt(this.#rebuild.start())
  }

  /** The index and the log agreed in this look. */
  #settle({ confirmed }: Delta): void {
    this.#settled = Math.max(this.#settled, Math.min(confirmed, this.indexed))
  }

  #apply(delta: Delta, agents: readonly LedgerAgent[]): void {
    const { common, records } = delta
    const end = common + records.length
    const floor = Math.max(this.floor, Math.min(delta.confirmed, end))
    const undone = common < this.indexed
    if (!undone && records.length === 0 && floor === this.floor) return
    const chain = records.at(-1)?.chain ?? delta.commonChain
    const floorChain = this.#chainAtFloor(floor, delta)
    const { db, entries, tables, people } = this.#parts
    this.#parts.transaction(() => {
      if (undone) {
        tables.undo(this.no, common)
        entries.cut(this.no, common)
        this.#parts.cutCheckpoints(this.no, common + 1)
      }
      people.learn(this.no, agents)
      if (!this.preview.empty) entries.cutPreview(this.no, { to: end })
      for (const record of records) this.#project(record, floor)
      if (floor > this.floor) {
        const below = [rowKey(this.no, lanes.accepted, 0), rowKey(this.no, lanes.accepted, floor + 1)] as const
        db.prepare('DELETE FROM checkpoints WHERE at >= ? AND at < ?').run(...below)
        tables.prune(this.no, floor, floor === end)
      }
      db.prepare('UPDATE pacts SET indexed = ?, chain = ?, floor = ?, floor_chain = ? WHERE no = ?').run(
        end,
        chain,
        floor,
        floorChain,
        this.no,
      )
    })
    if (undone) {
      this.epoch++
      this.#recent.clear()
    }
    this.authors.moved(delta, agents.length > 0)
    this.preview.forget(end)
    for (const record of records) this.#remember(record)
    // Copies: chains of records are slices of whole blocks.
    Object.assign(this, { indexed: end, chain: Buffer.from(chain), floor, floorChain: Buffer.from(floorChain) })
    this.#parts.notify(this.pact, common)
  }

  #project(record: LogRecord, floor: number): void {
    const { db, entries, tables, kernel } = this.#parts
    const read = readPayload(record, kernel)
    const at = entries.insert(this.no, record, read)
    if (record.verdict === ACCEPTED && record.entry) {
      entries.link(this.pact, at, record)
      if (read.unreadable === null) {
        const step = { pact: this.pact, pactNo: this.no, record, at, payload: read.value }
        const fault = tables.project(step, record.position >= floor)
        if (fault) db.prepare('UPDATE entries SET unreadable = ? WHERE at = ?').run(fault, at)
      }
    }
    const length = record.position + 1
    if (length > floor)
      db.prepare('INSERT INTO checkpoints VALUES (?, ?)').run(rowKey(this.no, lanes.accepted, length), record.chain)
  }

  /** Newest first, down to the floor: the log cannot differ below it. */
  *#checkpoints(): Generator<Checkpoint> {
    if (this.indexed > this.floor) yield { position: this.indexed, chain: this.chain }
    for (let below = this.indexed; below > this.floor + 1; ) {
      const rows = this.#parts.db
        .prepare('SELECT at, chain FROM checkpoints WHERE at > ? AND at < ? ORDER BY at DESC LIMIT 64')
        .all(rowKey(this.no, lanes.accepted, this.floor), rowKey(this.no, lanes.accepted, below))
      for (const { at, chain } of rows) {
        below = positionOf(Number(at))
        yield { position: below, chain: Buffer.from(chain as Uint8Array) }
      }
      if (rows.length === 0) break
    }
    if (this.floor > 0) yield { position: this.floor, chain: this.floorChain }
  }

  #chainAtFloor(floor: number, delta: Delta): Buffer {
    if (floor === this.floor) return this.floorChain
    if (floor > delta.common) return delta.records[floor - delta.common - 1]!.chain
    if (floor === delta.common) return delta.commonChain
    const row = this.#parts.db
      .prepare('SELECT chain FROM checkpoints WHERE at = ?')
      .get(rowKey(this.no, lanes.accepted, floor))
    return Buffer.from(row!.chain as Uint8Array)
  }

  async #nameAuthors(): Promise<void> {
    if (!(await this.authors.name())) this.#later()
  }

  #mismatch({ common, length }: Delta): void {
    this.rebuilds++
    this.#parts.log.error(
      'The log differs from the index below what was confirmed; the index of this pact is rebuilt from the log.',
      {
        pact: this.pact.id,
        floor: this.floor,
        indexed: this.indexed,
        common,
        length,
      },
    )
    this.wipe()
  }

  #remember({ position, chain }: LogRecord): void {
    if (this.#recent.size >= RECENT) this.#recent.clear()
    this.#recent.set(position + 1, Buffer.from(chain))
  }

  #behind(fresh: number): boolean {
    return this.pact.length - this.indexed - fresh > NEAR
  }

  #tell({ length }: Delta): void {
    if (!this.partial || Date.now() - this.#told < PROGRESS_MS) return
    this.#told = Date.now()
    this.#parts.log.info('Indexing.', { pact: this.pact.alias, indexed: this.indexed, of: length })
  }

  /** For work that nobody waits for: a failure is logged and tried again. */
  async #attempt(work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (error) {
      if (this.closed) return
      this.#parts.log.error('The index cannot follow the log; it tries again.', {
        pact: this.pact.alias,
        error: String(error),
      })
      this.#later()
    }
  }

  /** A step failed that somebody waits for: it is told, and tried again for the others. */
  #failed(error: unknown): never {
    this.#later()
    throw error
  }

  #later(): void {
    if (this.closed) return
    this.#retry ??= setTimeout(() => {
      this.#retry = null
      void this.#attempt(this.sync())
    }, RETRY_MS).unref()
  }
}
