/** What the pieces of the index share: one database, and the way to change it. */
import type { Kernel, Logger, Pact } from '../../kernel/index.ts'
import { rollback } from '../store/local.ts'
import type { Database } from '../store/sqlite.ts'
import { Entries } from './entries.ts'
import { People } from './people.ts'
import { lanes, rowKey } from './rows.ts'
import { Tables } from './tables.ts'
import { Words } from './words.ts'

export class IndexParts {
  readonly db: Database
  readonly kernel: Pick<Kernel, 'entryType'>
  readonly log: Logger
  readonly words: Words
  readonly people: People
  readonly entries: Entries
  readonly tables: Tables
  /** Called after rows of a pact changed, with the lowest position that did. */
  notify: (pact: Pact, from: number) => void = () => {}

  constructor(db: Database, kernel: Pick<Kernel, 'entryType'>, log: Logger) {
    this.db = db
    this.kernel = kernel
    this.log = log
    this.words = new Words(db)
    this.people = new People(db)
    this.entries = new Entries(db, this.words, this.people)
    this.tables = new Tables(db, this.words, kernel, log)
  }

  /** Takes away everything derived of a pact. Call inside a transaction. */
  wipe(pactNo: number): void {
    this.entries.cut(pactNo, 0)
    this.entries.cutPreview(pactNo)
    this.tables.wipe(pactNo)
    this.cutCheckpoints(pactNo, 0)
  }

  cutCheckpoints(pactNo: number, from: number): void {
    this.db
      .prepare('DELETE FROM checkpoints WHERE at >= ? AND at < ?')
      .run(rowKey(pactNo, lanes.accepted, from), rowKey(pactNo, lanes.refused, 0))
  }

  /** Takes away a pact that is not on this machine any more. */
  forgetPact(pactNo: number): void {
    this.transaction(() => {
      this.wipe(pactNo)
      for (const table of ['agents', 'writers']) this.db.prepare(`DELETE FROM ${table} WHERE pact = ?`).run(pactNo)
      this.db.prepare('DELETE FROM pacts WHERE no = ?').run(pactNo)
    })
    this.people.forget()
  }

  /** Runs `fn` in one transaction; when it fails, nothing of it stays, in the database or in memory. */
  transaction(fn: () => void): void {
    this.db.exec('BEGIN IMMEDIATE')
    try {
      fn()
      this.db.exec('COMMIT')
    } catch (error) {
      rollback(this.db)
      this.words.forget()
      this.people.forget()
      this.tables.reload()
      throw error
    }
  }
}
