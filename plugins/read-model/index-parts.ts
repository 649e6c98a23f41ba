/** What the pieces of the index share: one database, and the way to change it. */
import type { Kernel, Logger, Pact } from '../../kernel/index.ts'
import { rollback } from '../store/local.ts'
import type { Database } from '../store/sqlite.ts'
import { Entries } from './entries.ts'
import { People } from './people.ts'
import { lanes, rowKey } from './rows.ts'
import { Tables } from './tables.ts'
import { Words } from './words.ts'

/**
 * ms after which a change is committed. A commit writes every page that changed, twenty writes for one entry; for all that comes in this
 * time most pages are the same. Who reads here sees it at once, and a killed daemon derives it again.
 */
const COMMIT_AFTER = 100

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
  /** Called when changes that were answered are gone again: the database is as it was at the last commit. */
  lost: () => void = () => {}
  #open: NodeJS.Timeout | null = null

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

  /**
   * Runs `fn` in a transaction that it shares with others of the next moment. When it fails, all of them are taken back, in the database
   * and in memory, and the followers derive them again: that is rare, and a savepoint for each would cost every entry.
   */
  transaction(fn: () => void): void {
    this.#begin()
    try {
      fn()
    } catch (error) {
      this.#takeBack()
      throw error
    }
  }

  /** Commits what is open. @throws OpenPactError as the database does */
  commit(): void {
    if (!this.#open) return
    clearTimeout(this.#open)
    try {
      this.db.exec('COMMIT')
      this.#open = null
    } catch (error) {
      this.#takeBack()
      throw error
    }
  }

  #begin(): void {
    if (this.#open) return
    this.db.exec('BEGIN IMMEDIATE')
    this.#open = setTimeout(() => {
      try {
        this.commit()
      } catch (error) {
        this.log.error('The index cannot be written; what is missing is derived again.', { error: String(error) })
      }
    }, COMMIT_AFTER).unref()
  }

  #takeBack(): void {
    if (this.#open) clearTimeout(this.#open)
    this.#open = null
    rollback(this.db)
    this.words.forget()
    this.people.forget()
    this.tables.reload()
    this.lost()
  }
}
