/** The chosen pact. A choice whose pact is gone counts for nothing. */
import type { Pact, Pacts } from '../../kernel/index.ts'
import type { Store } from '../store/service.ts'
import { type ActivePact, isHere } from './service.ts'

const tables = ['CREATE TABLE pacts_active (only INTEGER PRIMARY KEY CHECK (only = 1), pact TEXT NOT NULL) STRICT']

export class StoredActivePact implements ActivePact {
  private readonly store: Store
  private readonly pacts: Pacts

  constructor(store: Store, pacts: Pacts) {
    this.store = store
    this.pacts = pacts
    store.migrate('pacts', tables)
  }

  get(): Pact | null {
    const id = this.id()
    return id === null ? null : this.pacts.find(id)
  }

  id(): string | null {
    const chosen = this.chosen()
    if (chosen !== null) return chosen
    const all = this.pacts.list()
    return all.length === 1 ? (all[0]?.id ?? null) : null
  }

  choose(pact: Pact): void {
    this.store.db
      .prepare('INSERT INTO pacts_active VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET pact = excluded.pact')
      .run(pact.id)
  }

  arrived(pact: Pact): void {
    if (this.chosen() !== null) return
    // The one that was meant so far goes on being meant.
    const before = this.pacts.list().filter(other => other !== pact)
    if (before.length <= 1) this.choose(before[0] ?? pact)
  }

  private chosen(): string | null {
    const row = this.store.db.prepare('SELECT pact FROM pacts_active').get()
    return row && isHere(this.pacts, String(row.pact)) ? String(row.pact) : null
  }
}
