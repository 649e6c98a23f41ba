/** Runs as they are kept: those that are to be started, and the log of those that were. */
import { hash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Occurrence } from '../events/service.ts'
import type { Store } from '../store/service.ts'
import type { Value } from '../store/sqlite.ts'
import { DAY } from './definition.ts'

export const runStates = [
  'pending',
  'running',
  'succeeded',
  'failed',
  'interrupted',
  'skipped',
  'withdrawn',
  'refused',
] as const
export type RunState = (typeof runStates)[number]

/** One attempt at a run. */
export interface Run {
  no: number
  /** OPENPACT_RUN_KEY: the same however often it is started, on every machine, wherever its entry stands in the log. 32 hex */
  key: string
  /** From 1, under its key. */
  attempt: number
  trigger: string
  pact: string
  /** Id of the event; another one after a reorder. */
  event: string
  kind: string
  subject_id: string
  /** Id of the entry that brought the event about. */
  entry: string
  task: string | null
  state: RunState
  /** Why it waits, or how it ended, in words of ours. */
  reason: string | null
  /** ms since 1970 */
  created: number
  /** Not before; ms since 1970. */
  due: number
  approved: number
  forced: number
  claiming: number
  started: number | null
  ended: number | null
  code: number | null
  signal: string | null
  pid: number | null
  born: string | null
}

/** How a program ended. */
type Exit = { code: number | null; signal: string | null }

/** So many wait for a trigger at most; those over it are dropped and counted. */
export const MOST_WAITING = 1000
/** So many attempts that ended are kept per trigger. */
const KEPT = 500
const PRUNE_EVERY = 50
const WOKEN = -1

export class Runs {
  readonly #store: Store
  readonly #logs: string
  #ended = 0

  /** @param logs folder of what they said */
  constructor(store: Store, logs: string) {
    this.#store = store
    this.#logs = logs
  }

  /** Runs `fn` in one transaction. */
  transaction<T>(fn: () => T): T {
    return this.#store.transaction(fn)
  }

  /**
   * A run for what happened, unless there was one for it already: an event that a reorder took back and brought again is the same.
   * @returns null when too many wait
   */
  add(trigger: string, occurrence: Occurrence, forced = false): Run | null {
    const { event, pact, entry } = occurrence
    const key = keyOf(trigger, occurrence)
    const known = this.byKey(key)
    if (known) {
      const { state } = known
      let { no } = known
      if (state === 'withdrawn')
        this.#run(
          `UPDATE triggers_runs SET state = 'pending', reason = NULL, due = 0, claiming = 0, started = NULL WHERE no = ?`,
          no,
        )
      else if (forced && state !== 'pending' && state !== 'running') no = this.#repeat(no, null)
      // Asked for by hand it comes without an event of its own.
      if (event.id !== '') this.#run('UPDATE triggers_runs SET event = ? WHERE no = ?', event.id, no)
      if (forced) this.#run('UPDATE triggers_runs SET forced = 1, due = 0 WHERE no = ?', no)
      return this.byKey(key)
    }
    if (!forced && this.waiting(trigger) >= MOST_WAITING) return null
    this.#run(
      `INSERT INTO triggers_runs(key, attempt, trigger, pact, event, kind, subject_id, entry, task, state, created, due, forced)
       VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, 0, ?)`,
      key,
      trigger,
      pact.id,
      event.id,
      event.kind,
      event.subject_id,
      entry?.id ?? '',
      taskOf(occurrence),
      Date.now(),
      forced ? 1 : 0,
    )
    return this.byKey(key)
  }

  /** The newest attempt at a run. */
  byKey(key: string): Run | null {
    return this.#list('key = ? ORDER BY attempt DESC LIMIT 1', key)[0] ?? null
  }

  /** An attempt that was started; the newest such without a number. */
  started(key: string, attempt: number | null): Run | null {
    const where = 'key = ? AND started IS NOT NULL AND attempt = coalesce(?, attempt) ORDER BY attempt DESC LIMIT 1'
    return this.#list(where, key, attempt)[0] ?? null
  }

  /** How often in a row it was interrupted up to this attempt, which is the last. */
  interruptions({ key, attempt }: Run): number {
    const sql = `SELECT max(attempt) AS last FROM triggers_runs WHERE key = ? AND attempt < ? AND state <> 'interrupted'`
    return attempt - Number(this.#store.db.prepare(sql).get(key, attempt)?.last ?? 0)
  }

  /** The next to be started. `only` narrows it to those asked for by hand, or those that were approved one by one. */
  next(trigger: string, now: number, only: 'any' | 'forced' | 'approved'): Run | null {
    const and = { any: '', forced: 'AND forced = 1', approved: 'AND (approved = 1 OR forced = 1)' }[only]
    return (
      this.#list(`trigger = ? AND state = 'pending' AND due <= ? ${and} ORDER BY due, no LIMIT 1`, trigger, now)[0] ??
      null
    )
  }

  /** When the next of those that wait is due; null when none waits. */
  nextDue(trigger: string): number | null {
    const sql = `SELECT min(due) AS due FROM triggers_runs WHERE trigger = ? AND state = 'pending'`
    return (this.#store.db.prepare(sql).get(trigger)?.due as number | null) ?? null
  }

  waiting(trigger: string): number {
    return this.#count(`trigger = ? AND state = 'pending'`, trigger)
  }

  running(trigger: string): number {
    return this.#count(`trigger = ? AND state = 'running'`, trigger)
  }

  begin({ no, trigger }: Run, now: number): void {
    this.transaction(() => {
      this.#run(
        `UPDATE triggers_runs SET state = 'running', reason = NULL, due = 0, started = ?, ended = NULL, code = NULL, signal = NULL,
         pid = NULL, born = NULL WHERE no = ?`,
        now,
        no,
      )
      this.#run('DELETE FROM triggers_starts WHERE trigger = ? AND at < ?', trigger, now - DAY)
      this.#run('INSERT INTO triggers_starts VALUES (?, ?)', trigger, now)
    })
  }

  claiming(no: number, yes: boolean): void {
    this.#run('UPDATE triggers_runs SET claiming = ? WHERE no = ?', yes ? 1 : 0, no)
  }

  began(no: number, pid: number, born: string): void {
    this.#run('UPDATE triggers_runs SET pid = ?, born = ? WHERE no = ?', pid, born, no)
  }

  /** It did not start: it waits again, and the start does not count. */
  putBack({ no, trigger, started }: Run, due: number, reason: string): void {
    this.transaction(() => {
      this.#run(
        `UPDATE triggers_runs SET state = 'pending', due = CASE due WHEN ${WOKEN} THEN 0 ELSE ? END, reason = ?, started = NULL WHERE no = ?`,
        due,
        reason,
        no,
      )
      this.#uncount(trigger, started)
    })
  }

  /**
   * It was interrupted, or its daemon ended: it starts again under the same key.
   * @param exit absent when nobody saw it end
   */
  again({ no }: Run, reason: string, exit?: Exit): void {
    this.transaction(() => {
      this.#repeat(no, reason)
      this.#run(
        `UPDATE triggers_runs SET state = 'interrupted', reason = ?, ended = ?, code = ?, signal = ?, pid = NULL WHERE no = ?`,
        reason,
        exit ? Date.now() : null,
        exit?.code ?? null,
        exit?.signal ?? null,
        no,
      )
    })
  }

  /** @param exit absent when no program was run */
  end({ no, trigger, started }: Run, state: RunState, reason: string | null, exit?: Exit): void {
    this.transaction(() => {
      this.#run(
        'UPDATE triggers_runs SET state = ?, reason = ?, ended = ?, code = ?, signal = ?, pid = NULL, claiming = 0, forced = 0 WHERE no = ?',
        state,
        reason,
        Date.now(),
        exit?.code ?? null,
        exit?.signal ?? null,
        no,
      )
      if (!exit) this.#uncount(trigger, started)
    })
    if (++this.#ended % PRUNE_EVERY === 0) this.#prune(trigger)
  }

  /** The event of runs was taken back: those that have not begun will not. */
  withdraw(pact: string, event: string): void {
    this.#run(
      `UPDATE triggers_runs SET state = 'withdrawn', reason = 'a reorder took its event back' WHERE pact = ? AND event = ? AND state = 'pending'`,
      pact,
      event,
    )
  }

  /** Something happened to a task: what waits for it looks again, also what is about to wait. Answers for which triggers. */
  wake(pact: string, task: string): string[] {
    const sql = `UPDATE triggers_runs SET due = ${WOKEN} WHERE pact = ? AND task = ? AND state IN ('pending', 'running') RETURNING trigger`
    return this.#store.db
      .prepare(sql)
      .all(pact, task)
      .map(row => String(row.trigger))
  }

  /** Those that wait, oldest first. */
  waitingList(trigger: string, most: number): Run[] {
    return this.#list(`trigger = ? AND state = 'pending' ORDER BY no LIMIT ?`, trigger, most)
  }

  approve(keys: readonly string[]): void {
    for (const key of keys) this.#run(`UPDATE triggers_runs SET approved = 1 WHERE key = ? AND state = 'pending'`, key)
  }

  /** Those that an earlier daemon left running. */
  left(): Run[] {
    return this.#list(`state = 'running'`)
  }

  /** Times of the newest starts of a trigger, newest first. */
  starts(trigger: string, since: number, most: number): number[] {
    const sql = 'SELECT at FROM triggers_starts WHERE trigger = ? AND at > ? ORDER BY at DESC LIMIT ?'
    return this.#store.db
      .prepare(sql)
      .all(trigger, since, most)
      .map(row => Number(row.at))
  }

  /** Newest first, before a number; of one trigger, or of all. */
  list(trigger: string | undefined, before: number, limit: number): Run[] {
    if (trigger === undefined) return this.#list('no < ? ORDER BY no DESC LIMIT ?', before, limit)
    return this.#list('trigger = ? AND no < ? ORDER BY no DESC LIMIT ?', trigger, before, limit)
  }

  last(trigger: string): Run | null {
    return this.#list('trigger = ? AND started IS NOT NULL ORDER BY started DESC LIMIT 1', trigger)[0] ?? null
  }

  /** A trigger is no more: what waits for it will not start. */
  forget(trigger: string): void {
    this.#run(
      `UPDATE triggers_runs SET state = 'withdrawn', reason = 'its trigger is no more' WHERE trigger = ? AND state = 'pending'`,
      trigger,
    )
  }

  /** Another attempt that waits, as this one did. Answers its number. */
  #repeat(no: number, reason: string | null): number {
    const same = 'trigger, pact, event, kind, subject_id, entry, task'
    const sql = `INSERT INTO triggers_runs(key, attempt, ${same}, state, reason, created, due, approved, forced, claiming)
      SELECT key, attempt + 1, ${same}, 'pending', ?, ?, 0, approved, forced, claiming FROM triggers_runs WHERE no = ?`
    return Number(this.#store.db.prepare(sql).run(reason, Date.now(), no).lastInsertRowid)
  }

  #uncount(trigger: string, started: number | null): void {
    this.#run(
      'DELETE FROM triggers_starts WHERE rowid = (SELECT rowid FROM triggers_starts WHERE trigger = ? AND at = ? LIMIT 1)',
      trigger,
      started,
    )
  }

  #prune(trigger: string): void {
    const sql = `DELETE FROM triggers_runs WHERE trigger = ?1 AND state NOT IN ('pending', 'running') AND no <=
      (SELECT no FROM triggers_runs WHERE trigger = ?1 ORDER BY no DESC LIMIT 1 OFFSET ?2) RETURNING *`
    for (const run of this.#store.db.prepare(sql).all(trigger, KEPT) as unknown as Run[])
      rmSync(join(this.#logs, logName(run)), { force: true })
  }

  #count(where: string, ...values: Value[]): number {
    return Number(this.#store.db.prepare(`SELECT count(*) AS n FROM triggers_runs WHERE ${where}`).get(...values)!.n)
  }

  #run(sql: string, ...values: Value[]): void {
    this.#store.db.prepare(sql).run(...values)
  }

  #list(where: string, ...values: Value[]): Run[] {
    return this.#store.db.prepare(`SELECT * FROM triggers_runs WHERE ${where}`).all(...values) as unknown as Run[]
  }
}

/** The file with what an attempt said. */
export function logName({ key, attempt }: Run): string {
  return attempt === 1 ? `${key}.log` : `${key}.${attempt}.log`
}

/** The task that an event is about, or null. */
export function taskOf({ event, entry }: Occurrence): string | null {
  if (event.subject === 'task') return event.subject_id
  return entry?.type === 'task' ? entry.id : null
}

function keyOf(trigger: string, { event, pact, entry }: Occurrence): string {
  return hash('sha256', JSON.stringify([pact.id, trigger, event.kind, event.subject_id, entry?.id]), 'hex').slice(0, 32)
}
