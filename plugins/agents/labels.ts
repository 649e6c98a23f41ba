/** What each agent of this machine is for, in the user's word: kept here until a pact can be told. */
import type { Store } from '../store/service.ts'

/** A published version is never edited. */
const migrations = ['CREATE TABLE agents_labels(name TEXT PRIMARY KEY, label TEXT NOT NULL);']

export class Labels {
  readonly #db: Store['db']

  constructor(store: Store) {
    store.migrate('agents', migrations)
    this.#db = store.db
  }

  of(name: string): string | undefined {
    const row = this.#db.prepare('SELECT label FROM agents_labels WHERE name = ?').get(name)
    return row && String(row.label)
  }

  set(name: string, label: string): void {
    this.#db.prepare('INSERT OR REPLACE INTO agents_labels VALUES (?, ?)').run(name, label)
  }

  forget(name: string): void {
    this.#db.prepare('DELETE FROM agents_labels WHERE name = ?').run(name)
  }
}
