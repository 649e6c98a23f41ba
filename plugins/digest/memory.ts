/** What each agent has been told, on this machine: up to which event, and what of it may come again under another event. */
import type { Store } from '../store/service.ts'

export const migrations = [
  `CREATE TABLE digest_cursor(pact TEXT NOT NULL, agent TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(pact, agent)) WITHOUT ROWID;
   CREATE TABLE digest_told(
     pact TEXT NOT NULL, agent TEXT NOT NULL, what TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(pact, agent, what)) WITHOUT ROWID;
   CREATE INDEX digest_told_at ON digest_told(at);`,
] as const

/** Whoever has not confirmed an entry for so long will not reorder it either; ms. */
const REMEMBERED = 90 * 86_400_000

export class Memory {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
    store.migrate('digest', migrations)
  }

  /** Number of the last event that an agent (hex key) looked at; null when it never looked. */
  cursor(pact: string, agent: string): number | null {
    const row = this.#store.db.prepare('SELECT seq FROM digest_cursor WHERE pact = ? AND agent = ?').get(pact, agent)
    return row ? Number(row.seq) : null
  }

  /** Moves the cursor. Null takes it away. */
  move(pact: string, agent: string, seq: number | null): void {
    const { db } = this.#store
    if (seq === null) db.prepare('DELETE FROM digest_cursor WHERE pact = ? AND agent = ?').run(pact, agent)
    else db.prepare('INSERT OR REPLACE INTO digest_cursor VALUES (?, ?, ?)').run(pact, agent, seq)
  }

  told(pact: string, agent: string, what: string): boolean {
    const sql = 'SELECT 1 FROM digest_told WHERE pact = ? AND agent = ? AND what = ?'
    return this.#store.db.prepare(sql).get(pact, agent, what) !== undefined
  }

  remember(pact: string, agent: string, all: readonly string[], now = Date.now()): void {
    this.#store.transaction(() => {
      const { db } = this.#store
      const add = db.prepare('INSERT OR REPLACE INTO digest_told VALUES (?, ?, ?, ?)')
      for (const what of all) add.run(pact, agent, what, now)
      db.prepare('DELETE FROM digest_told WHERE at < ?').run(now - REMEMBERED)
    })
  }
}
