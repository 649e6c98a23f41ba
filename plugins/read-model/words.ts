/** Texts that repeat in every row (types, topics, verdicts, kinds), kept once and named by a number. */
import type { Database } from '../store/sqlite.ts'

/** Topics may be many: the caches are emptied rather than grown without end. */
const CACHED = 20_000

export class Words {
  readonly #db: Database
  readonly #numbers = new Map<string, number>()
  readonly #texts = new Map<number, string>()

  constructor(db: Database) {
    this.#db = db
  }

  /** The number of a word, given one now if it has none. Call inside a transaction only. */
  number(word: string): number {
    const known = this.find(word)
    if (known !== null) return known
    const { lastInsertRowid } = this.#db.prepare('INSERT INTO words(word) VALUES (?)').run(word)
    return this.#keep(word, Number(lastInsertRowid))
  }

  /** The number of a word, or null when no row uses it. */
  find(word: string): number | null {
    const cached = this.#numbers.get(word)
    if (cached !== undefined) return cached
    const row = this.#db.prepare('SELECT no FROM words WHERE word = ?').get(word)
    return row ? this.#keep(word, Number(row.no)) : null
  }

  text(no: number): string {
    const cached = this.#texts.get(no)
    if (cached !== undefined) return cached
    const word = String(this.#db.prepare('SELECT word FROM words WHERE no = ?').get(no)?.word ?? '')
    this.#keep(word, no)
    return word
  }

  /** Forgets what was learnt in a transaction that failed. */
  forget(): void {
    this.#numbers.clear()
    this.#texts.clear()
  }

  #keep(word: string, no: number): number {
    if (this.#numbers.size >= CACHED) this.forget()
    this.#numbers.set(word, no)
    this.#texts.set(no, word)
    return no
  }
}
