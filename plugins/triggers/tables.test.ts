import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LocalStore } from '../store/local.ts'
import { logName, Runs } from './runs.ts'
import { migrations } from './tables.ts'

let dir: string
let local: LocalStore
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openpact-tables-'))
  local = new LocalStore(dir)
})
afterEach(() => {
  local.close()
  rmSync(dir, { recursive: true, force: true })
})

test('runs that an earlier version kept are first attempts, and go on', () => {
  local.migrate('triggers', migrations.slice(0, 1))
  const insert = local.db.prepare(
    `INSERT INTO triggers_runs(no, key, trigger, pact, event, kind, subject_id, entry, state, created, due, claiming, attempts, started, code, pid, born)
     VALUES (?, ?, 'old', 'p', 'e', 'entry-applied', 's', 's', ?, 1, 0, ?, ?, 2, ?, ?, 'boot 1')`,
  )
  insert.run(7, 'done', 'succeeded', 0, 3, 0, null)
  insert.run(9, 'left', 'running', 1, 2, null, 4711)
  local.migrate('triggers', migrations)
  const runs = new Runs(local, dir)
  expect(runs.byKey('done')).toMatchObject({ no: 7, attempt: 1, state: 'succeeded', started: 2, code: 0 })
  const [left] = runs.left()
  expect(left).toMatchObject({ no: 9, key: 'left', attempt: 1, pid: 4711, born: 'boot 1' })
  runs.again(left!, 'its daemon ended')
  expect(runs.list('old', 100, 10)).toMatchObject([
    { no: 10, key: 'left', attempt: 2, state: 'pending', claiming: 1, started: null },
    { no: 9, attempt: 1, state: 'interrupted', reason: 'its daemon ended', ended: null, pid: null },
    { no: 7 },
  ])
})

test('what was interrupted in a row is counted from what ended in another way; the oldest attempts go with their logs', () => {
  local.migrate('triggers', migrations)
  const runs = new Runs(local, dir)
  const seen = { event: { id: '', kind: 'k', subject: 's', subject_id: 'i' }, pact: { id: 'p' }, entry: { id: 'e' } }
  const add = () => runs.add('often', seen as never, true)!
  let run = add()
  for (const times of [1, 2]) {
    expect(runs.interruptions(run)).toBe(times)
    runs.again(run, 'x')
    run = runs.byKey(run.key)!
  }
  const logs: string[] = []
  for (let i = 0; i < 600; i++) {
    runs.begin(run, i)
    logs.push(join(dir, logName(run)))
    writeFileSync(logs.at(-1)!, 'said')
    runs.end(run, 'failed', null, { code: 1, signal: null })
    run = add()
    expect(runs.interruptions(run)).toBe(1)
  }
  expect(run.attempt).toBe(603)
  // The newest 500 and what has come since the last time they were counted.
  expect(logs.filter(existsSync)).toEqual(logs.slice(100))
})
