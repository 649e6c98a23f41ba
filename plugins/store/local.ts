/** Opens `local.db` and keeps its tables at the versions their plugins know. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { OpenPactError } from '../../kernel/index.ts'
import type { Store } from './service.ts'
import { type Database, openDatabase } from './sqlite.ts'

const cure =
  'Nothing was changed. Stop the daemon and put local.db back from a backup; or move local.db, local.db-wal and local.db-shm aside and start again: pacts and entries are not affected, but tokens, cursors and idempotency keys start afresh.'

/** Larger files are only checked at their head at start: reading all of one would make the start slow. */
const CHECKED_BYTES = 32 * 1024 * 1024

export class LocalStore implements Store {
  readonly db: Database
  #depth = 0

  /** @throws OpenPactError DATABASE_CORRUPT, DATA_DIR_UNUSABLE, DISK_FULL */
  constructor(dataDir: string) {
    const file = join(dataDir, 'local.db')
    this.db = openDatabase(file, { cure })
    try {
      if (statSync(file).size <= CHECKED_BYTES) this.#check()
      this.db.exec(
        'CREATE TABLE IF NOT EXISTS store_versions(plugin TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID',
      )
    } catch (error) {
      this.db.close()
      throw error
    }
  }

  migrate(plugin: string, versions: readonly string[]): void {
    const row = this.db.prepare('SELECT version FROM store_versions WHERE plugin = ?').get(plugin)
    const found = Number(row?.version ?? 0)
    if (found > versions.length) throw new OpenPactError('STORE_NEWER', { plugin, found, known: versions.length })
    if (found === versions.length) return
    this.transaction(() => {
      for (const sql of versions.slice(found)) this.db.exec(sql)
      this.db.prepare('INSERT OR REPLACE INTO store_versions VALUES (?, ?)').run(plugin, versions.length)
    })
  }

  transaction<T>(fn: () => T): T {
    if (this.#depth > 0) return fn()
    this.db.exec('BEGIN IMMEDIATE')
    this.#depth++
    let done = false
    try {
      const result = fn()
      this.db.exec('COMMIT')
      done = true
      return result
    } finally {
      this.#depth--
      if (!done) rollback(this.db)
    }
  }

  close(): void {
    this.db.close()
  }

  #check(): void {
    const row = this.db.prepare('PRAGMA quick_check(1)').get()
    if (row?.quick_check !== 'ok') throw new OpenPactError('DATABASE_CORRUPT', { file: 'local.db', cure })
  }
}

/** Ends a failed transaction. SQLite has already done so itself after some errors, a full disk among them. */
export function rollback(db: Database): void {
  try {
    db.exec('ROLLBACK')
  } catch {
    // No transaction was open any more.
  }
}
