/** The outbox in `local.db`: small rows, only ever appended; what they are about is looked up in the index when they are read. */
import { createHash, randomBytes } from 'node:crypto'
import { OpenPactError, type Pact } from '../../kernel/index.ts'
import { decodeCursor, encodeCursor, type Happening } from '../read-model/service.ts'
import type { Store } from '../store/service.ts'
import type { Value } from '../store/sqlite.ts'
import { CORRECTION, ENTRY_APPLIED } from './service.ts'
import './errors.ts'

/** A published version is never edited. */
export const migrations = [
  `CREATE TABLE events_self(one INTEGER PRIMARY KEY CHECK(one = 1), id TEXT NOT NULL);
   -- Filled up to this position, where the log had this chain.
   CREATE TABLE events_pacts(no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL, chain BLOB NOT NULL);
   CREATE TABLE events_kinds(no INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, UNIQUE(kind, subject));
   -- corrects: number of the row that is taken back. stale: 1 when the row was taken back.
   CREATE TABLE events_outbox(
     seq INTEGER PRIMARY KEY, pact INTEGER NOT NULL, position INTEGER NOT NULL, kind INTEGER NOT NULL,
     subject_id TEXT NOT NULL, id BLOB NOT NULL, corrects INTEGER, stale INTEGER);
   CREATE INDEX events_outbox_pact ON events_outbox(pact);
   -- Positions that may still move, with the chain they were recorded for and their rows.
   CREATE TABLE events_tail(
     pact INTEGER NOT NULL, position INTEGER NOT NULL, chain BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
     PRIMARY KEY(pact, position)) WITHOUT ROWID;`,
  `-- Up to this number events were pruned.
   CREATE TABLE events_floor(one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER NOT NULL);
   INSERT INTO events_floor VALUES (1, 0);
   -- Which number was the newest at a time (ms since 1970): the outbox itself has no times.
   CREATE TABLE events_clock(at INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
   CREATE TABLE events_cursors(
     consumer TEXT NOT NULL, pact TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(consumer, pact)) WITHOUT ROWID;
   -- Unconfirmed events by consumer and match: waits = 1 until confirmed, or 0 when it was handled and may have to be corrected.
   CREATE TABLE events_held(
     consumer TEXT NOT NULL, pact TEXT NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL,
     waits INTEGER NOT NULL, PRIMARY KEY(consumer, pact, seq, key)) WITHOUT ROWID;
   CREATE INDEX events_held_position ON events_held(consumer, pact, waits, position);
   CREATE INDEX events_held_key ON events_held(consumer, key);`,
]

export interface OutboxRow {
  seq: number
  pact: string
  position: number
  kind: string
  subject: string
  subject_id: string
  id: Buffer
  /** Id of the event that is taken back. */
  corrects: Buffer | null
  stale: boolean
}

/** How far the outbox of a pact reaches. */
export interface Filled {
  no: number
  position: number
  chain: Buffer
}

const ID_BYTES = 16

export class Outbox {
  readonly #store: Store
  readonly #kinds = new Map<string, number>()
  readonly #id: string
  #head: number
  #floor: number

  constructor(store: Store) {
    this.#store = store
    store.migrate('events', migrations)
    const { db } = store
    db.prepare('INSERT OR IGNORE INTO events_self VALUES (1, ?)').run(randomBytes(6).toString('base64url'))
    this.#id = String(db.prepare('SELECT id FROM events_self').get()!.id)
    this.#head = Number(db.prepare('SELECT max(seq) AS head FROM events_outbox').get()?.head ?? 0)
    this.#floor = Number(db.prepare('SELECT seq FROM events_floor').get()!.seq)
  }

  head(): number {
    return this.#head
  }

  cursor(seq: number): string {
    return encodeCursor([this.#id, seq])
  }

  read(cursor: string): number {
    const [id, seq] = decodeCursor(cursor) ?? []
    const known = id === this.#id && typeof seq === 'number' && Number.isInteger(seq) && seq >= 0 && seq <= this.#head
    if (!known) throw new OpenPactError('EVENT_CURSOR_INVALID')
    if (seq < this.#floor) throw new OpenPactError('EVENT_CURSOR_EXPIRED')
    return seq
  }

  floor(): number {
    return this.#floor
  }

  /** Number of the event that a correction takes back. */
  corrected(seq: number): number {
    return Number(this.#store.db.prepare('SELECT corrects FROM events_outbox WHERE seq = ?').get(seq)?.corrects ?? 0)
  }

  /** How many events of a pact come after a number; no more than `most` are counted. */
  count(after: number, pactId: string, most: number): number {
    const sql = `SELECT count(*) AS n FROM (SELECT 1 FROM events_outbox INDEXED BY events_outbox_pact
      WHERE pact = (SELECT no FROM events_pacts WHERE id = ?) AND seq > ? LIMIT ?)`
    return Number(this.#store.db.prepare(sql).get(pactId, after, most)!.n)
  }

  /** Number of the oldest event of a pact after another, or null. */
  next(after: number, pactId: string): number | null {
    const sql = `SELECT seq FROM events_outbox INDEXED BY events_outbox_pact
      WHERE pact = (SELECT no FROM events_pacts WHERE id = ?) AND seq > ? ORDER BY seq LIMIT 1`
    const seq = this.#store.db.prepare(sql).get(pactId, after)?.seq
    return seq === undefined ? null : Number(seq)
  }

  /** Number of the oldest event of a pact that a reorder may still take back, or null. */
  oldestMovable(pactId: string): number | null {
    const sql = `SELECT first FROM events_tail WHERE pact = (SELECT no FROM events_pacts WHERE id = ?)
      ORDER BY position LIMIT 1`
    const first = this.#store.db.prepare(sql).get(pactId)?.first
    return first === undefined ? null : Number(first)
  }

  /** Notes the newest number for a time, ms. */
  mark(at: number): void {
    this.#store.db.prepare('INSERT OR REPLACE INTO events_clock VALUES (?, ?)').run(at, this.#head)
  }

  /** The newest number there was at a time or before it, as far as it was noted; 0 when it was not. */
  headAt(time: number): number {
    const row = this.#store.db.prepare('SELECT seq FROM events_clock WHERE at <= ? ORDER BY at DESC LIMIT 1').get(time)
    return Number(row?.seq ?? 0)
  }

  /** Deletes events up to a number, never the newest one: numbers are given only once. */
  prune(to: number): void {
    const floor = Math.min(to, this.#head - 1)
    if (floor <= this.#floor) return
    const { db } = this.#store
    this.#store.transaction(() => {
      db.prepare('DELETE FROM events_outbox WHERE seq <= ?').run(floor)
      db.prepare('UPDATE events_floor SET seq = ?').run(floor)
      db.prepare('DELETE FROM events_clock WHERE seq < ?').run(floor)
    })
    this.#floor = floor
  }

  rows(after: number, pact: Pact | undefined, limit: number): OutboxRow[] {
    const columns = `o.seq, p.id AS pact, o.position, k.kind, k.subject, o.subject_id, o.id, o.stale,
      (SELECT id FROM events_outbox WHERE seq = o.corrects) AS corrects`
    const joins = 'JOIN events_pacts p ON p.no = o.pact JOIN events_kinds k ON k.no = o.kind'
    const { db } = this.#store
    const rows = pact
      ? db
          .prepare(
            `SELECT ${columns} FROM events_outbox o INDEXED BY events_outbox_pact ${joins}
             WHERE o.pact = (SELECT no FROM events_pacts WHERE id = ?) AND o.seq > ? ORDER BY o.seq LIMIT ?`,
          )
          .all(pact.id, after, limit)
      : db
          .prepare(`SELECT ${columns} FROM events_outbox o ${joins} WHERE o.seq > ? ORDER BY o.seq LIMIT ?`)
          .all(after, limit)
    return rows.map(row => ({
      seq: Number(row.seq),
      pact: String(row.pact),
      position: Number(row.position),
      kind: String(row.kind),
      subject: String(row.subject),
      subject_id: String(row.subject_id),
      id: Buffer.from(row.id as Uint8Array),
      corrects: row.corrects ? Buffer.from(row.corrects as Uint8Array) : null,
      stale: row.stale !== null,
    }))
  }

  filled(pact: Pact): Filled | null {
    const row = this.#store.db.prepare('SELECT no, position, chain FROM events_pacts WHERE id = ?').get(pact.id)
    return row
      ? { no: Number(row.no), position: Number(row.position), chain: Buffer.from(row.chain as Uint8Array) }
      : null
  }

  /** Events of a pact begin at `position`, where its log has `chain`. */
  begin(pact: Pact, position: number, chain: Buffer): void {
    this.#store.db
      .prepare(
        `INSERT INTO events_pacts(id, position, chain) VALUES (?, ?, ?)
         ON CONFLICT(id) DO UPDATE SET position = excluded.position, chain = excluded.chain`,
      )
      .run(pact.id, position, chain)
  }

  /** Positions that may still move, newest first: where each ended and the chain it had. */
  tail(no: number): { position: number; chain: Buffer }[] {
    return this.#store.db
      .prepare('SELECT position, chain FROM events_tail WHERE pact = ? ORDER BY position DESC')
      .all(no)
      .map(row => ({ position: Number(row.position), chain: Buffer.from(row.chain as Uint8Array) }))
  }

  /**
   * In one transaction: takes back the events from position `common` on, appends those of `happenings`, notes how far the outbox
   * reaches. Positions below `confirmed` will not move any more.
   * @returns whether there is anything new to read
   */
  fill(
    { no }: Filled,
    common: { position: number; chain: Buffer },
    happenings: readonly Happening[],
    confirmed: number,
  ): boolean {
    const before = this.#head
    let next = before
    try {
      this.#store.transaction(() => {
        next = this.#takeBack(no, common.position, next)
        for (const happening of happenings) {
          // Told in the pact that it was carried over from.
          if (!happening.carried) next = this.#append(no, happening, happening.position >= confirmed, next)
        }
        const last = happenings.at(-1)
        const { db } = this.#store
        db.prepare('DELETE FROM events_tail WHERE pact = ? AND position < ?').run(no, confirmed)
        db.prepare('UPDATE events_pacts SET position = ?, chain = ? WHERE no = ?').run(
          last ? last.position + 1 : common.position,
          last ? last.chain : common.chain,
          no,
        )
      })
    } catch (error) {
      // Kinds named for the first time in it went with it.
      this.#kinds.clear()
      throw error
    }
    this.#head = next
    return next > before
  }

  #takeBack(no: number, position: number, head: number): number {
    const { db } = this.#store
    const gone = db
      .prepare('SELECT first, last FROM events_tail WHERE pact = ? AND position >= ? ORDER BY position DESC')
      .all(no, position)
    let seq = head
    for (const { first, last } of gone) {
      const rows = db
        .prepare(
          `SELECT o.seq, o.position, o.subject_id, o.id, k.subject FROM events_outbox o JOIN events_kinds k ON k.no = o.kind
           WHERE o.seq >= ? AND o.seq <= ? ORDER BY o.seq DESC`,
        )
        .all(first!, last!)
      for (const row of rows) {
        const id = digest(Buffer.from(row.id as Uint8Array), CORRECTION, String(row.seq))
        const kind = this.#kind(CORRECTION, String(row.subject))
        this.#insert(++seq, no, Number(row.position), kind, String(row.subject_id), id, Number(row.seq))
        db.prepare('UPDATE events_outbox SET stale = 1 WHERE seq = ?').run(row.seq!)
      }
    }
    if (gone.length > 0) db.prepare('DELETE FROM events_tail WHERE pact = ? AND position >= ?').run(no, position)
    return seq
  }

  #append(no: number, { position, chain, id, changes }: Happening, movable: boolean, head: number): number {
    let seq = head
    const seen = new Set<string>()
    for (const change of [{ subject: 'entry', id, kind: ENTRY_APPLIED }, ...changes]) {
      const event = digest(chain, change.subject, change.id, change.kind)
      if (seen.has(event.toString('hex'))) continue
      seen.add(event.toString('hex'))
      this.#insert(++seq, no, position, this.#kind(change.kind, change.subject), change.id, event, null)
    }
    if (movable)
      this.#store.db.prepare('INSERT INTO events_tail VALUES (?, ?, ?, ?, ?)').run(no, position, chain, head + 1, seq)
    return seq
  }

  #insert(
    seq: number,
    no: number,
    position: number,
    kind: number,
    subjectId: string,
    id: Buffer,
    corrects: Value,
  ): void {
    this.#store.db
      .prepare('INSERT INTO events_outbox VALUES (?, ?, ?, ?, ?, ?, ?, NULL)')
      .run(seq, no, position, kind, subjectId, id, corrects)
  }

  #kind(kind: string, subject: string): number {
    const key = `${kind}\n${subject}`
    let no = this.#kinds.get(key)
    if (no === undefined) {
      const { db } = this.#store
      db.prepare('INSERT OR IGNORE INTO events_kinds(kind, subject) VALUES (?, ?)').run(kind, subject)
      no = Number(db.prepare('SELECT no FROM events_kinds WHERE kind = ? AND subject = ?').get(kind, subject)!.no)
      this.#kinds.set(key, no)
    }
    return no
  }
}

/** hash(bytes ‖ words), 16 bytes. Lengths are hashed too, so that no two lists of words read the same. */
function digest(bytes: Buffer, ...words: string[]): Buffer {
  const hash = createHash('sha256').update(bytes)
  for (const word of words) hash.update(`${Buffer.byteLength(word)}:${word}`)
  return hash.digest().subarray(0, ID_BYTES)
}
