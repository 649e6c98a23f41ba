/**
 * The logs of a restored archive, in `local.db`: what can be read of a pact before a member has let this machine in again, and what
 * is left of it when nobody ever does.
 */
import type { CarriedAgent, Kernel, LogRecord } from '../../kernel/index.ts'
import type { Store } from '../store/service.ts'
import type { LogEnd, PactCard } from './contents.ts'

export const archivedTables = [
  `CREATE TABLE backup_pact (
     id TEXT PRIMARY KEY, alias TEXT NOT NULL, key BLOB NOT NULL, length INTEGER NOT NULL, chain BLOB NOT NULL,
     state TEXT NOT NULL) STRICT;
   CREATE TABLE backup_record (
     pact TEXT NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL, block BLOB NOT NULL, PRIMARY KEY (pact, position)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE backup_agent (
     pact TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, identity TEXT NOT NULL, PRIMARY KEY (pact, key)
   ) STRICT, WITHOUT ROWID`,
  'CREATE TABLE backup_refounding (old TEXT PRIMARY KEY, alias TEXT NOT NULL, pact TEXT) STRICT, WITHOUT ROWID',
]

/** `waiting` for a member to let this machine in; `joined` since one did; `refounded` as another pact. */
export type ArchivedState = 'waiting' | 'joined' | 'refounded'

export interface ArchivedPact {
  id: string
  alias: string
  key: Buffer
  length: number
  chain: Buffer
  state: ArchivedState
}

export interface Unfinished {
  old: string
  alias: string
  /** Null until it is founded. */
  pact: string | null
}

export class ArchivedLogs {
  private readonly store: Store

  constructor(store: Store) {
    this.store = store
    store.migrate('backup', archivedTables)
  }

  /** Forgets a log, or makes room for one. */
  begin(pact: string): void {
    for (const table of ['backup_record', 'backup_agent'])
      this.store.db.prepare(`DELETE FROM ${table} WHERE pact = ?`).run(pact)
    this.store.db.prepare('DELETE FROM backup_pact WHERE id = ?').run(pact)
  }

  add(pact: string, { position, id }: LogRecord, block: Buffer): void {
    this.store.db.prepare('INSERT INTO backup_record VALUES (?, ?, ?, ?)').run(pact, position, id, block)
  }

  end({ id, alias, key }: PactCard, { length, chain }: LogEnd, agents: ReadonlyMap<string, CarriedAgent>): void {
    const { db } = this.store
    for (const [agent, { name, identity }] of agents)
      db.prepare('INSERT INTO backup_agent VALUES (?, ?, ?, ?)').run(id, agent, name, identity)
    const row = [id, alias, Buffer.from(key, 'hex'), length, Buffer.from(chain, 'hex'), 'waiting'] as const
    db.prepare('INSERT INTO backup_pact VALUES (?, ?, ?, ?, ?, ?)').run(...row)
  }

  list(): ArchivedPact[] {
    return this.store.db
      .prepare('SELECT id, alias, key, length, chain, state FROM backup_pact ORDER BY alias')
      .all()
      .map(row => ({
        id: String(row.id),
        alias: String(row.alias),
        key: Buffer.from(row.key as Uint8Array),
        length: Number(row.length),
        chain: Buffer.from(row.chain as Uint8Array),
        state: row.state as ArchivedState,
      }))
  }

  /** Those that no member has let this machine into, though they may be on the way. */
  waiting({ pacts }: Pick<Kernel, 'pacts'>): ArchivedPact[] {
    return this.list().filter(({ id, state }) => state === 'waiting' && !pacts.find(id))
  }

  find(aliasOrId: string): ArchivedPact | null {
    const all = this.list()
    const found = all.find(({ id, alias }) => id === aliasOrId || alias === aliasOrId)
    if (found || !/^[0-9a-f]{8,}$/.test(aliasOrId)) return found ?? null
    // As tables print it.
    const like = all.filter(({ id }) => id.startsWith(aliasOrId))
    return like.length === 1 ? (like[0] ?? null) : null
  }

  mark(pact: string, state: ArchivedState): void {
    this.store.db.prepare('UPDATE backup_pact SET state = ? WHERE id = ?').run(state, pact)
  }

  /** Notes that a pact is being carried on (all pacts by id), what the new one is to be called in the end, and which it is. */
  refounding({ old, alias, pact }: Unfinished): void {
    this.store.db.prepare('INSERT OR REPLACE INTO backup_refounding VALUES (?, ?, ?)').run(old, alias, pact)
  }

  /** Refoundings that were begun and not finished. */
  unfinished(): Unfinished[] {
    const rows = this.store.db.prepare('SELECT old, alias, pact FROM backup_refounding').all()
    return rows.map(row => ({ old: String(row.old), alias: String(row.alias), pact: row.pact as string | null }))
  }

  finished(old: string): void {
    this.store.db.prepare('DELETE FROM backup_refounding WHERE old = ?').run(old)
  }

  block(pact: string, position: number): Buffer | null {
    const row = this.store.db
      .prepare('SELECT block FROM backup_record WHERE pact = ? AND position = ?')
      .get(pact, position)
    return row ? Buffer.from(row.block as Uint8Array) : null
  }

  /** Blocks below a position, the newest first. */
  before(pact: string, position: number, limit: number): { position: number; block: Buffer }[] {
    return this.store.db
      .prepare(
        'SELECT position, block FROM backup_record WHERE pact = ? AND position < ? ORDER BY position DESC LIMIT ?',
      )
      .all(pact, position, limit)
      .map(row => ({ position: Number(row.position), block: Buffer.from(row.block as Uint8Array) }))
  }

  agent(pact: string, key: string): CarriedAgent | null {
    const row = this.store.db
      .prepare('SELECT name, identity FROM backup_agent WHERE pact = ? AND key = ?')
      .get(pact, key)
    return row ? { name: String(row.name), identity: String(row.identity) } : null
  }
}
