/** What is kept of each trigger: since when it is there, whether it is paused, how it fares, and what its user approved. */
import type { Store } from '../store/service.ts'
import type { Value } from '../store/sqlite.ts'

export interface Known {
  /** Number of the newest event when it was first seen. */
  since: number
  paused: boolean
  /** Runs in a row that failed. */
  failures: number
  /** The breaker is open until then, ms since 1970; 0 while it is closed. */
  open_until: number
  /** Matches that trust stopped. */
  stopped: number
  last_stopped: { entry: string; reason: string; at: number } | null
  /** Matches that were let go because too many waited. */
  dropped: number
}

export interface Approval {
  /** Hash of the trigger that was approved. */
  hash: string
  /** Trusted beside those that the file names. */
  roles: string[]
  authors: string[]
  /** ms since 1970 */
  at: number
}

/** Stands for all triggers. */
const ALL = '*'
/** `since` of a trigger that the file does not have any more. */
const GONE = -1
/** Runs in a row that fail until the breaker opens. */
export const FAILURES = 5
const FIRST_PAUSE_MS = 15 * 60_000
const LONGEST_PAUSE_MS = 24 * 3_600_000

export class KnownTriggers {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Takes up those of the file. Answers those that are there no more: what is known of them stays, so that one that comes back is
   * paused if it was, but what happened in between is not for it.
   * @param head number of the newest event
   */
  keep(ids: readonly string[], head: number): string[] {
    const insert = `INSERT INTO triggers_known(id, since) VALUES (?, ?)
      ON CONFLICT(id) DO UPDATE SET since = excluded.since WHERE since = ${GONE}`
    return this.#store.transaction(() => {
      for (const id of ids) this.#run(insert, id, head)
      const all = this.#store.db.prepare('SELECT id FROM triggers_known WHERE id <> ? AND since <> ?').all(ALL, GONE)
      const gone = all.map(({ id }) => String(id)).filter(id => !ids.includes(id))
      for (const id of gone) this.#run('UPDATE triggers_known SET since = ? WHERE id = ?', GONE, id)
      return gone
    })
  }

  get(id: string): Known {
    const row = this.#store.db.prepare('SELECT * FROM triggers_known WHERE id = ?').get(id)
    return {
      since: Number(row?.since ?? 0),
      paused: row?.paused === 1,
      failures: Number(row?.failures ?? 0),
      open_until: Number(row?.open_until ?? 0),
      stopped: Number(row?.stopped ?? 0),
      last_stopped: row?.last_stopped ? (JSON.parse(String(row.last_stopped)) as Known['last_stopped']) : null,
      dropped: Number(row?.dropped ?? 0),
    }
  }

  get allPaused(): boolean {
    return this.get(ALL).paused
  }

  /** Of one trigger, or of all. Resuming also closes the breaker. */
  pause(id: string | null, paused: boolean): void {
    this.#run('INSERT OR IGNORE INTO triggers_known(id, since) VALUES (?, 0)', id ?? ALL)
    this.#run('UPDATE triggers_known SET paused = ? WHERE id = ?', paused ? 1 : 0, id ?? ALL)
    if (!paused && id !== null) this.#run('UPDATE triggers_known SET failures = 0, open_until = 0 WHERE id = ?', id)
  }

  stopped(id: string, entry: string, reason: string): void {
    const last = JSON.stringify({ entry, reason, at: Date.now() })
    this.#run('UPDATE triggers_known SET stopped = stopped + 1, last_stopped = ? WHERE id = ?', last, id)
  }

  dropped(id: string): void {
    this.#run('UPDATE triggers_known SET dropped = dropped + 1 WHERE id = ?', id)
  }

  succeeded(id: string): void {
    this.#run('UPDATE triggers_known SET failures = 0, open_until = 0 WHERE id = ?', id)
  }

  /** Answers how long the breaker is open now, ms; 0 when it is not. */
  failed(id: string, now: number): number {
    const failures = this.get(id).failures + 1
    const over = failures - FAILURES
    const open = over < 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** Math.min(over, 20), LONGEST_PAUSE_MS)
    this.#run('UPDATE triggers_known SET failures = ?, open_until = ? WHERE id = ?', failures, open && now + open, id)
    return open
  }

  approval(id: string): Approval | null {
    const row = this.#store.db.prepare('SELECT * FROM triggers_approvals WHERE id = ?').get(id)
    if (!row) return null
    const { hash, roles, authors, at } = row
    return {
      hash: String(hash),
      roles: JSON.parse(String(roles)),
      authors: JSON.parse(String(authors)),
      at: Number(at),
    }
  }

  approve(id: string, { hash, roles, authors, at }: Approval): void {
    this.#run(
      'INSERT OR REPLACE INTO triggers_approvals VALUES (?, ?, ?, ?, ?)',
      id,
      hash,
      JSON.stringify(roles),
      JSON.stringify(authors),
      at,
    )
  }

  #run(sql: string, ...values: Value[]): void {
    this.#store.db.prepare(sql).run(...values)
  }
}
