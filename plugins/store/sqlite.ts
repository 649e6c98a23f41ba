/** SQLite with one API on every supported Node: `node:sqlite` where Node has it, `@photostructure/sqlite` where not. */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { OpenPactError, outOfSpace } from '../../kernel/index.ts'
import './errors.ts'

export type Value = null | number | bigint | string | Uint8Array

export interface Statement {
  run(...values: Value[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  get(...values: Value[]): Record<string, Value> | undefined
  all(...values: Value[]): Record<string, Value>[]
  iterate(...values: Value[]): IterableIterator<Record<string, Value>>
}

export interface Database {
  exec(sql: string): void
  /** Statements are cached by their text: calling it again with the same text costs a lookup. */
  prepare(sql: string): Statement
  close(): void
}

export interface OpenOptions {
  /** What the user can do when the file turns out to be damaged. */
  cure: string
  /** Called when it does, now or later. */
  ondamage?: () => void
}

const require = createRequire(import.meta.url)

interface Binding {
  DatabaseSync: new (file: string, options?: object) => Database
}

function binding(): Binding {
  // Node announces node:sqlite from 22.5 on, without a flag from 22.13 on; asking is the only reliable test.
  const builtin = process.getBuiltinModule?.('node:sqlite' as 'node:fs') as unknown as Binding | undefined
  return builtin?.DatabaseSync ? builtin : (require('@photostructure/sqlite') as Binding)
}

/**
 * Opens a database file in WAL mode, readable by its owner only. `synchronous=NORMAL` survives a killed process; after a power
 * cut the last transactions may be gone, the file stays whole.
 * @throws OpenPactError DATABASE_CORRUPT, DATA_DIR_UNUSABLE, DISK_FULL: here and from every later call
 */
export function openDatabase(file: string, options: OpenOptions): Database {
  const db = new CodedDatabase(file, options)
  try {
    db.exec(
      'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA recursive_triggers=ON; PRAGMA busy_timeout=5000;',
    )
    // Reads the header and the schema, so that a file which is no database is noticed now.
    db.prepare('SELECT count(*) FROM sqlite_master').get()
  } catch (error) {
    db.close()
    throw error
  }
  return db
}

/** Turns the failures that a user can do something about into coded errors; what is left is a programming error. */
class CodedDatabase implements Database {
  readonly #db: Database
  readonly #statements = new Map<string, Statement>()
  readonly #file: string
  readonly #options: OpenOptions
  #closed = false

  constructor(file: string, options: OpenOptions) {
    this.#file = basename(file)
    this.#options = options
    this.#db = this.guard(() => {
      keepPrivate(file)
      return new (binding().DatabaseSync)(file)
    })
  }

  exec(sql: string): void {
    this.guard(() => this.#db.exec(sql))
  }

  prepare(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = new CodedStatement(
        this.guard(() => this.#db.prepare(sql)),
        this,
      )
      this.#statements.set(sql, statement)
    }
    return statement
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#statements.clear()
    try {
      // SQLite keeps a connection alive until its statements are collected: without this, what was written last would stay in
      // the side file, where a copy of the database alone does not find it.
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // On a full or broken disk the side file stays and is read again at the next start.
    }
    this.#db.close()
  }

  guard<T>(fn: () => T): T {
    try {
      return fn()
    } catch (error) {
      throw this.coded(error)
    }
  }

  coded(error: unknown): unknown {
    const code = primaryCode(error)
    if (code === 13 || outOfSpace(error)) return new OpenPactError('DISK_FULL', {}, { cause: error })
    if (code === 11 || code === 26) {
      this.#options.ondamage?.()
      return new OpenPactError('DATABASE_CORRUPT', { file: this.#file, cure: this.#options.cure }, { cause: error })
    }
    if ((code !== undefined && unusable.has(code)) || isErrno(error)) {
      const reason = `${this.#file}: ${code === undefined ? (error as NodeJS.ErrnoException).code : describe(error)}`
      return new OpenPactError('DATA_DIR_UNUSABLE', { reason }, { cause: error })
    }
    return error
  }
}

// Its methods are the hottest of all: no closures here.
class CodedStatement implements Statement {
  readonly #inner: Statement
  readonly #db: CodedDatabase

  constructor(inner: Statement, db: CodedDatabase) {
    this.#inner = inner
    this.#db = db
  }

  run(...values: Value[]) {
    try {
      return this.#inner.run(...values)
    } catch (error) {
      throw this.#db.coded(error)
    }
  }

  get(...values: Value[]) {
    try {
      return this.#inner.get(...values)
    } catch (error) {
      throw this.#db.coded(error)
    }
  }

  all(...values: Value[]) {
    try {
      return this.#inner.all(...values)
    } catch (error) {
      throw this.#db.coded(error)
    }
  }

  *iterate(...values: Value[]): IterableIterator<Record<string, Value>> {
    const rows = this.#db.guard(() => this.#inner.iterate(...values))
    for (let next = this.#db.guard(() => rows.next()); !next.done; next = this.#db.guard(() => rows.next()))
      yield next.value
  }
}

/** SQLITE_PERM, READONLY, IOERR, CANTOPEN, AUTH: nothing of ours can be wrong with them. */
const unusable = new Set([3, 8, 10, 14, 23])

/** SQLite's own words for the failures we tell apart: the binding does not give the number of every one. */
const words: Record<string, number> = {
  'attempt to write a readonly database': 8,
  'disk I/O error': 10,
  'database disk image is malformed': 11,
  'database or disk is full': 13,
  'unable to open database file': 14,
  'file is not a database': 26,
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff
  return words[error.message]
}

function describe(error: unknown): string {
  return error instanceof Error ? ('errstr' in error ? String(error.errstr) : error.message) : 'cannot be used'
}

function isErrno(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

/** SQLite gives its side files the mode of the database, so the mode is set before it opens it. */
function keepPrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
  if (statSync(file).mode & 0o077) chmodSync(file, 0o600)
}
