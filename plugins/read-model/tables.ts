/** The tables that plugins declare: made, dropped when their declaration changes, filled record by record, undone. */
import { createHash } from 'node:crypto'
import {
  isOpenPactError,
  type Kernel,
  type Logger,
  type LogRecord,
  OpenPactError,
  type Pact,
} from '../../kernel/index.ts'
import type { Database } from '../store/sqlite.ts'
import './errors.ts'
import { Journal, journalAt } from './journal.ts'
import { SCHEMA_VERSION } from './schema.ts'
import type { SubjectChange, TableDefinition } from './table.ts'
import type { Words } from './words.ts'

export interface ContributedTable {
  plugin: string
  value: TableDefinition
}

interface Table extends ContributedTable {
  journal: Journal
  /** What is said of an entry that the table could not take. */
  fault: string
}

/** One accepted, readable record on its way into the tables. */
export interface Step {
  pact: Pact
  pactNo: number
  record: LogRecord
  /** Key of the entry's row. */
  at: number
  payload: unknown
}

export class Tables {
  readonly #db: Database
  readonly #words: Words
  readonly #kernel: Pick<Kernel, 'entryType'>
  readonly #log: Logger
  readonly #tables = new Map<string, Table>()
  readonly #byType = new Map<string, Table[]>()
  /** Pact numbers → tables that do not reach as far as the pact's index → how far they reach. */
  readonly #lagging = new Map<number, Map<string, number>>()
  /** Pacts whose journals are known to be empty: while everything is confirmed at once, pruning is skipped. */
  readonly #clean = new Set<number>()

  constructor(db: Database, words: Words, kernel: Pick<Kernel, 'entryType'>, log: Logger) {
    this.#db = db
    this.#words = words
    this.#kernel = kernel
    this.#log = log
  }

  /**
   * Makes the database hold exactly the contributed tables, each as it is declared now. A table that is new or whose declaration
   * changed is empty afterwards and lags behind until it is rebuilt from the logs.
   * @throws OpenPactError TABLE_INVALID
   */
  open(contributed: readonly ContributedTable[]): void {
    const stored = new Map(
      this.#db
        .prepare('SELECT name, fingerprint FROM tables')
        .all()
        .map(row => [String(row.name), String(row.fingerprint)]),
    )
    for (const table of contributed) {
      const { name } = table.value
      if (stored.get(name) !== this.#fingerprint(table.value)) this.#make(table, stored.has(name))
      stored.delete(name)
      this.#register(table)
    }
    for (const name of stored.keys()) {
      this.#log.info('The table of a plugin that is gone is dropped; it is rebuilt when the plugin comes back.', {
        table: name,
      })
      this.#drop(name)
    }
    for (const { name, pact, position } of this.#db.prepare('SELECT name, pact, position FROM lagging').all()) {
      this.#lag(Number(pact)).set(String(name), Number(position))
    }
  }

  names(): string[] {
    return [...this.#tables.keys()]
  }

  /** Tables of a pact that do not reach as far as its index, with how far they reach. */
  lagging(pactNo: number): ReadonlyMap<string, number> {
    return this.#lagging.get(pactNo) ?? new Map()
  }

  /** Entry types that a table is made of. */
  types(name: string): readonly string[] {
    return this.#tables.get(name)?.value.types ?? []
  }

  /**
   * Projects a record into all tables that want it and reach up to it, or into `only` one that lags behind. While `undoable`, what
   * it does can be taken back. Answers why a table could not take it, or null.
   */
  project(step: Step, undoable: boolean, only?: string): string | null {
    const tables = this.#byType.get(step.record.entry?.type ?? '')
    if (!tables) return null
    const lagging = this.#lagging.get(step.pactNo)
    let fault: string | null = null
    if (undoable) this.#switch(step)
    for (const table of tables) {
      const { name } = table.value
      if (only === undefined ? lagging?.has(name) : name !== only) continue
      if (!this.#run(table, step)) fault ??= table.fault
    }
    if (undoable) journalAt(this.#db, step.pactNo, null)
    return fault
  }

  /** Takes back what records of a pact from `position` on did. */
  undo(pactNo: number, position: number): void {
    for (const { journal } of this.#tables.values()) journal.undo(pactNo, position)
    for (const [name, reached] of this.lagging(pactNo)) if (reached > position) this.advance(pactNo, name, position)
  }

  /** Forgets how to undo what is confirmed. `all`: nothing is left that could be undone. */
  prune(pactNo: number, floor: number, all: boolean): void {
    if (this.#clean.has(pactNo)) return
    for (const { journal } of this.#tables.values()) journal.prune(pactNo, floor)
    if (all) this.#clean.add(pactNo)
  }

  /** Notes how far a lagging table reaches now; null: as far as the index. */
  advance(pactNo: number, name: string, position: number | null): void {
    const lagging = this.#lag(pactNo)
    if (position === null) {
      this.#db.prepare('DELETE FROM lagging WHERE name = ? AND pact = ?').run(name, pactNo)
      lagging.delete(name)
      if (lagging.size === 0) this.#lagging.delete(pactNo)
    } else {
      this.#db.prepare('INSERT OR REPLACE INTO lagging VALUES (?, ?, ?)').run(name, pactNo, position)
      lagging.set(name, position)
    }
  }

  /** Empties every table of a pact; they then reach as far as an empty index. */
  wipe(pactNo: number): void {
    for (const [name, { journal }] of this.#tables) {
      this.#db.prepare(`DELETE FROM ${name} WHERE pact = ?`).run(pactNo)
      journal.prune(pactNo, 2 ** 32 - 1)
    }
    this.#db.prepare('DELETE FROM lagging WHERE pact = ?').run(pactNo)
    this.#lagging.delete(pactNo)
  }

  /** Reads back from the database what a failed transaction may have changed in memory. */
  reload(): void {
    this.#lagging.clear()
    this.#clean.clear()
    for (const { name, pact, position } of this.#db.prepare('SELECT name, pact, position FROM lagging').all()) {
      this.#lag(Number(pact)).set(String(name), Number(position))
    }
  }

  #switch(step: Step): void {
    journalAt(this.#db, step.pactNo, step.record.position)
    this.#clean.delete(step.pactNo)
  }

  /** Runs one projection; a throw takes back what it did and leaves the others alone. */
  #run({ plugin, value: { name, project } }: Table, step: Step): boolean {
    const changes: SubjectChange[] = []
    const context = {
      pact: step.pact,
      pactNo: step.pactNo,
      payload: step.payload,
      emit: (change: SubjectChange) => void changes.push(change),
    }
    this.#db.prepare('SAVEPOINT projection').run()
    try {
      project(step.record, this.#db, context)
      this.#keep(name, step.at, changes)
      this.#db.prepare('RELEASE projection').run()
      return true
    } catch (error) {
      // A full or broken disk is no fault of the projection: the whole step fails and is tried again later.
      if (isMachineFault(error)) throw error
      this.#db.prepare('ROLLBACK TO projection').run()
      this.#db.prepare('RELEASE projection').run()
      this.#words.forget()
      this.#log.error(`Plugin "${plugin}" could not index an entry; the entry is marked, others go on.`, {
        plugin,
        table: name,
        entry: step.record.id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      return false
    }
  }

  #keep(table: string, at: number, changes: readonly SubjectChange[]): void {
    for (const [i, { subject, id, kind, data }] of changes.entries()) {
      this.#db
        .prepare('INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(
          at,
          this.#words.number(table),
          i,
          this.#words.number(subject),
          id,
          this.#words.number(kind),
          data === undefined ? null : JSON.stringify(data),
        )
    }
  }

  #make(table: ContributedTable, replaced: boolean): void {
    const { name, create } = table.value
    // Before anything else: what is not such a name could be a table of ours.
    if (!namePattern.test(name)) throw invalid(table, new Error('its name should read <plugin>_<table>, in snake case'))
    if (replaced) this.#log.info('A table of the index changed and is rebuilt from the logs, alone.', { table: name })
    this.#drop(name)
    this.#atomically(() => {
      try {
        const before = this.#tableNames()
        this.#db.exec(create)
        const made = this.#tableNames().filter(made => !before.includes(made))
        if (made.join() !== name) throw new Error(`"create" makes ${made.join(', ') || 'no table'} instead of ${name}`)
        new Journal(this.#db, name).create()
      } catch (error) {
        if (isMachineFault(error)) throw error
        throw invalid(table, error)
      }
      this.#db.prepare('INSERT INTO tables VALUES (?, ?)').run(name, this.#fingerprint(table.value))
      this.#db.prepare('INSERT INTO lagging SELECT ?, no, 0 FROM pacts WHERE indexed > 0').run(name)
    })
  }

  /** Removes a table and everything that its projections left elsewhere. */
  #drop(name: string): void {
    this.#atomically(() => {
      Journal.drop(this.#db, name)
      this.#db.prepare('DELETE FROM tables WHERE name = ?').run(name)
      this.#db.prepare('DELETE FROM lagging WHERE name = ?').run(name)
      this.#db.prepare('UPDATE entries SET unreadable = NULL WHERE unreadable = ?').run(faultOf(name))
      const source = this.#words.find(name)
      if (source !== null) this.#db.prepare('DELETE FROM changes WHERE source = ?').run(source)
    })
  }

  #register(table: ContributedTable): void {
    const { name, types } = table.value
    const known: Table = { ...table, journal: new Journal(this.#db, name), fault: faultOf(name) }
    this.#tables.set(name, known)
    for (const type of new Set(types)) this.#byType.set(type, [...(this.#byType.get(type) ?? []), known])
  }

  /** Everything that a table's rows depend on beside the log: with any change they are made anew. */
  #fingerprint({ name, version, create, types }: TableDefinition): string {
    const schemas = [...types].sort().map(type => [type, this.#kernel.entryType(type)?.payload ?? null])
    return createHash('sha256')
      .update(JSON.stringify([SCHEMA_VERSION, name, version, create, schemas]))
      .digest('hex')
  }

  #tableNames(): string[] {
    return this.#db
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
      .all()
      .map(row => String(row.name))
  }

  #lag(pactNo: number): Map<string, number> {
    const lagging = this.#lagging.get(pactNo) ?? new Map<string, number>()
    this.#lagging.set(pactNo, lagging)
    return lagging
  }

  #atomically(fn: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      fn()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }
}

/** A name becomes SQL text; those of the journals are ours. */
const namePattern = /^(?!undo_|sqlite_)[a-z][a-z0-9]*(_[a-z0-9]+)+$/

function invalid({ plugin, value: { name } }: ContributedTable, cause: unknown): OpenPactError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new OpenPactError('TABLE_INVALID', { table: name, plugin, reason }, { cause })
}

function isMachineFault(error: unknown): boolean {
  return isOpenPactError(error) && ['DISK_FULL', 'DATABASE_CORRUPT', 'DATA_DIR_UNUSABLE'].includes(error.code)
}

function faultOf(table: string): string {
  return `the table ${table} could not take it; the log of the daemon says why`
}
