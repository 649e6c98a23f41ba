import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bench, reached, recordingLog } from '../../test/support/index-bench.ts'
import { SimulatedPact } from '../../test/support/simulated-pact.ts'
import { openDatabase } from '../store/sqlite.ts'
import { openIndex } from './index-file.ts'
import { Index } from './model.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openpact-file-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('index.db', () => {
  test('is readable by its owner only', () => {
    openIndex(dir, recordingLog()).close()
    expect(statSync(join(dir, 'index.db')).mode & 0o777).toBe(0o600)
  })

  test.each([
    ['garbage', (file: string) => writeFileSync(file, 'no database at all '.repeat(500))],
    [
      'another version',
      (file: string) => {
        const db = openDatabase(file, { cure: '' })
        db.exec('CREATE TABLE old(x); PRAGMA user_version = 77')
        db.close()
      },
    ],
    [
      'cut off',
      (file: string) => {
        openIndex(dir, recordingLog()).close()
        truncateSync(file, 5000)
      },
    ],
  ])('%s: it is deleted, rebuilt, and this is said', (_, spoil) => {
    const file = join(dir, 'index.db')
    spoil(file)
    const log = recordingLog()
    const db = openIndex(dir, log)
    expect(db.prepare('SELECT count(*) AS n FROM entries').get()).toEqual({ n: 0 })
    db.close()
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toMatchObject({ level: 'warn', message: expect.stringContaining('deleted and rebuilt') })
  })

  test('damaged where nobody looks at first: a coded error when it is read, and rebuilt at the next start', () => {
    const file = join(dir, 'index.db')
    const log = recordingLog()
    openIndex(dir, log).close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 4096, 3 * 4096)
    writeFileSync(file, bytes)
    const db = openIndex(dir, log)
    const read = () => db.prepare('SELECT * FROM pacts').all()
    expect(read).toThrow(expect.objectContaining({ code: 'DATABASE_CORRUPT' }))
    db.close()
    openIndex(dir, log).close()
    expect(log.lines.map(({ level }) => level)).toEqual(['warn'])
    openIndex(dir, log).close()
    expect(log.lines).toHaveLength(1)
  })

  test('in a folder that cannot be used: a coded error', () => {
    writeFileSync(join(dir, 'file'), '')
    expect(() => openIndex(join(dir, 'file'), recordingLog())).toThrow(
      expect.objectContaining({ code: 'DATA_DIR_UNUSABLE' }),
    )
  })

  test('on a full disk: a coded error, and the index goes on later where it was', async () => {
    const pact = new SimulatedPact()
    const other = new SimulatedPact('other')
    const b = bench([pact, other])
    for (const each of [pact, other]) {
      each.append({ type: 'step', payload: { counter: 'x', by: 1 } })
      await b.index.sync(each.pact)
      // What was committed stays, whatever comes after it.
      if (each === pact) await b.reopen()
    }
    const pages = Number(b.index.db.prepare('PRAGMA page_count').get()?.page_count)
    b.index.db.exec(`PRAGMA max_page_count = ${pages + 2}`)
    pact.append(
      ...Array.from({ length: 50 }, () => ({
        type: 'step',
        topic: 'new',
        payload: { counter: 'y'.repeat(900), by: 1 },
      })),
    )
    await expect(b.index.applied(pact.pact, [])).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(b.index.progress(pact.pact).indexed).toBe(1)
    b.index.db.exec('PRAGMA max_page_count = 1000000')
    await b.index.sync(pact.pact)
    // What another pact had not committed was taken back with it; its follower derives it again unasked.
    await reached(b.index, () => b.index.progress(other.pact).indexed === 1)
    for (const each of [pact, other]) expect(b.index.dump(each.pact)).toBe(await b.rebuilt(each))
    await b.dispose()
  })

  test('drops pacts that are not on this machine any more', async () => {
    const kept = new SimulatedPact('kept')
    const gone = new SimulatedPact('gone')
    const b = bench([kept, gone])
    for (const pact of [kept, gone]) {
      pact.append({ type: 'step', payload: { counter: 'x', by: 1 } }, { verdict: 'no' })
      await b.index.opened(pact.pact)
    }
    await b.reopen()
    await b.index.opened(kept.pact)
    b.index.forgetGone()
    const count = (table: string) => Number(b.index.db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
    expect(['pacts', 'entries', 'toy_counter', 'undo_toy_counter', 'checkpoints', 'writers'].map(count)).toEqual([
      1, 2, 1, 1, 2, 1,
    ])
    expect(b.index.dump(kept.pact)).toBe(await b.rebuilt(kept))
    await b.dispose()
  })

  test('stays under its budget of bytes per entry', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact], { tables: [] })
    const n = 20_000
    const payload = { text: 'x'.repeat(240) }
    pact.append(
      ...Array.from({ length: n }, (_, i) => ({
        type: i % 10 ? 'note' : 'other',
        topic: `topic-${i % 12}`,
        payload,
        writer: i % 3,
      })),
    )
    pact.confirm()
    await b.index.sync(pact.pact)
    await b.index.close()
    const bytes = statSync(join(b.dir, 'index.db')).size / n

    expect(bytes).toBeLessThan(450)
    await b.dispose()
  }, 60_000)

  test('survives being closed in the middle of catching up', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append(...Array.from({ length: 2000 }, () => ({ type: 'step', payload: { counter: 'x', by: 1 } })))
    const opened = b.index.opened(pact.pact)
    await b.reopen()
    await opened
    expect(b.log.lines.filter(({ level }) => level === 'error')).toEqual([])
    await b.index.sync(pact.pact)
    expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
    await b.dispose()
  })
})

describe('a second index on a copy of the file', () => {
  test('goes on from what is in it', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append({ type: 'note', payload: {} })
    await b.index.sync(pact.pact)
    await b.index.close()
    writeFileSync(join(dir, 'index.db'), readFileSync(join(b.dir, 'index.db')))
    const copy = new Index(openIndex(dir, b.log), b.kernel, b.log)
    expect(copy.progress(pact.pact).indexed).toBe(1)
    await copy.close()
    await b.dispose()
  })
})
