/**
 * Undo of plugins' tables: triggers write every row's old values beside the table while an unconfirmed record is projected.
 * Values go from row to journal and back inside SQLite; no text of an entry ever becomes SQL.
 */
import type { Database } from '../store/sqlite.ts'
import { lanes, rowKey } from './rows.ts'

const INSERTED = 0
const UPDATED = 1
const DELETED = 2

interface Shape {
  /** Name of the integer primary key, or `rowid`. */
  key: string
  /** The other columns. */
  columns: string[]
}

/** One row of a journal: what was done to which row; `old` is the number an updated row had before. */
interface Step {
  seq: number
  op: number
  row: number
  old: number
}

/** The journal of one table: made with it, dropped with it. */
export class Journal {
  readonly #db: Database
  readonly #table: string
  readonly #undo: string
  readonly #shape: Shape

  constructor(db: Database, table: string) {
    this.#db = db
    this.#table = table
    this.#undo = journalOf(table)
    this.#shape = shapeOf(db, table)
  }

  /** Creates the journal and the triggers that fill it. */
  create(): void {
    const { key, columns } = this.#shape
    const kept = columns.map((_, i) => `c${i}`)
    const olds = columns.map(name => `, old.${quoted(name)}`).join('')
    const on = 'WHEN (SELECT at FROM journal) IS NOT NULL'
    const into = (fields: string[], values: string) =>
      `BEGIN INSERT INTO ${this.#undo}(${['at', 'op', 'row', ...fields].join(', ')}) VALUES ((SELECT at FROM journal), ${values}); END`
    this.#db.exec(`
      CREATE TABLE ${this.#undo}(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, op INTEGER NOT NULL, row INTEGER NOT NULL,
        old INTEGER${kept.map(name => `, ${name}`).join('')});
      CREATE INDEX ${this.#undo}_at ON ${this.#undo}(at);
      CREATE TRIGGER ${this.#undo}_i AFTER INSERT ON ${this.#table} ${on} ${into([], `${INSERTED}, new.${key}`)};
      CREATE TRIGGER ${this.#undo}_u AFTER UPDATE ON ${this.#table} ${on}
        ${into(['old', ...kept], `${UPDATED}, new.${key}, old.${key}${olds}`)};
      CREATE TRIGGER ${this.#undo}_d BEFORE DELETE ON ${this.#table} ${on}
        ${into(kept, `${DELETED}, old.${key}${olds}`)};`)
  }

  /**
   * Takes back everything that records of a pact from `position` on did to the table. Call with the journal switched off.
   *
   * Pacts share a table, so SQLite may have given the number of a row that this pact deleted to a row of another one. The row then
   * comes back under a new number, and older steps that mean it are made to say so.
   */
  undo(pactNo: number, position: number): void {
    const [from, to] = [rowKey(pactNo, lanes.accepted, position), rowKey(pactNo, lanes.refused, 0)]
    const steps = this.#db
      .prepare(`SELECT seq, op, row, old FROM ${this.#undo} WHERE at >= ? AND at < ? ORDER BY at DESC, seq DESC`)
      .all(from, to)
    const moved = new Map<number, number>()
    for (const step of steps as unknown as Step[]) this.#takeBack(step, moved)
    this.#db.prepare(`DELETE FROM ${this.#undo} WHERE at >= ? AND at < ?`).run(from, to)
    for (const [row, now] of moved) this.#rename(rowKey(pactNo, lanes.accepted, 0), from, row, now)
  }

  #takeBack({ seq, op, row, old }: Step, moved: Map<number, number>): void {
    const { key, columns } = this.#shape
    const names = columns.map(quoted).join(', ')
    const kept = columns.map((_, i) => `c${i}`).join(', ')
    const now = moved.get(row) ?? row
    if (op === INSERTED) {
      this.#db.prepare(`DELETE FROM ${this.#table} WHERE ${key} = ?`).run(now)
      moved.delete(row)
      return
    }
    const before = op === UPDATED ? old : row
    const number = op === UPDATED && before === row ? now : this.#free(before)
    moved.delete(row)
    if (op === UPDATED) {
      this.#db
        .prepare(
          `UPDATE ${this.#table} SET (${key}, ${names}) = (SELECT ?, ${kept} FROM ${this.#undo} WHERE seq = ?) WHERE ${key} = ?`,
        )
        .run(number, seq, now)
    } else {
      this.#db
        .prepare(`INSERT INTO ${this.#table}(${key}, ${names}) SELECT ?, ${kept} FROM ${this.#undo} WHERE seq = ?`)
        .run(number, seq)
    }
    if (number !== before) moved.set(before, number)
  }

  /** The number itself, or one that no row has. */
  #free(row: number): number {
    const { key } = this.#shape
    if (!this.#db.prepare(`SELECT 1 FROM ${this.#table} WHERE ${key} = ?`).get(row)) return row
    return Number(this.#db.prepare(`SELECT max(${key}) + 1 AS free FROM ${this.#table}`).get()?.free)
  }

  /** Makes the steps that are left mean the new number, back to where the row was inserted. */
  #rename(from: number, to: number, row: number, now: number): void {
    const inserted = this.#db
      .prepare(`SELECT max(seq) AS seq FROM ${this.#undo} WHERE at >= ? AND at < ? AND op = ${INSERTED} AND row = ?`)
      .get(from, to, row)
    for (const column of ['row', 'old']) {
      this.#db
        .prepare(`UPDATE ${this.#undo} SET ${column} = ? WHERE at >= ? AND at < ? AND seq >= ? AND ${column} = ?`)
        .run(now, from, to, inserted?.seq ?? 0, row)
    }
  }

  /** Forgets how to undo records below `position`: they are confirmed and will never move. */
  prune(pactNo: number, position: number): void {
    this.#db
      .prepare(`DELETE FROM ${this.#undo} WHERE at >= ? AND at < ?`)
      .run(rowKey(pactNo, lanes.accepted, 0), rowKey(pactNo, lanes.accepted, position))
  }

  /** Drops the journal's triggers with its table. */
  static drop(db: Database, table: string): void {
    db.exec(`DROP TABLE IF EXISTS ${table}; DROP TABLE IF EXISTS ${journalOf(table)}`)
  }
}

/** Switches the journal on for the record at `position`, or off with null. */
export function journalAt(db: Database, pactNo: number, position: number | null): void {
  db.prepare('UPDATE journal SET at = ?').run(position === null ? null : rowKey(pactNo, lanes.accepted, position))
}

function journalOf(table: string): string {
  return `undo_${table}`
}

/** @throws Error when the table is not one that can be undone: the reason is for its author */
function shapeOf(db: Database, table: string): Shape {
  const info = db.prepare('SELECT name, type, pk FROM pragma_table_info(?)').all(table)
  const columns = info.map(({ name }) => String(name))
  if (!columns.includes('pact')) throw new Error('it has no column "pact"')
  if (columns.includes('rowid')) throw new Error('no column may be called "rowid"')
  const keys = info.filter(({ pk }) => Number(pk) > 0)
  const alias = keys.length === 1 && String(keys[0]!.type).toUpperCase() === 'INTEGER' ? String(keys[0]!.name) : null
  try {
    db.prepare(`SELECT rowid FROM ${table} LIMIT 0`).all()
  } catch {
    throw new Error('it has no rowid')
  }
  return { key: alias === null ? 'rowid' : quoted(alias), columns: columns.filter(name => name !== alias) }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
