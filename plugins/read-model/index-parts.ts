/** What the pieces of the index share: one database, and the way to change it. */
import type { Kernel, Logger, Pact } from '../../kernel/index.ts'
import { rollback } from '../store/local.ts'
import type { Database } from '../store/sqlite.ts'
import { Entries } from './entries.ts'
import { People } from './people.ts'
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
