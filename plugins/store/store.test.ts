import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LocalStore } from './local.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openpact-store-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const file = () => join(dir, 'local.db')
const notes = ['CREATE TABLE toy_note(id INTEGER PRIMARY KEY, text TEXT)']
const count = (store: LocalStore) => Number(store.db.prepare('SELECT count(*) AS n FROM toy_note').get()?.n)

function filled(): LocalStore {
  const store = new LocalStore(dir)
  store.migrate('toy', notes)
  for (let i = 0; i < 200; i++) store.db.prepare('INSERT INTO toy_note(text) VALUES (?)').run('x'.repeat(200))
  return store
}

describe('local.db', () => {
  test('is readable by its owner only, side files too, even if it was not', () => {
    writeFileSync(file(), '', { mode: 0o644 })
    chmodSync(file(), 0o644)
    const store = filled()
    for (const part of ['', '-wal', '-shm']) expect(statSync(file() + part).mode & 0o777).toBe(0o600)
    store.close()
  })

  test('keeps what was written when it is opened again', () => {
    filled().close()
    const store = new LocalStore(dir)
    store.migrate('toy', notes)
    expect(count(store)).toBe(200)
    store.close()
  })

  test.each([
    ['garbage', () => writeFileSync(file(), 'no database '.repeat(1000))],
    [
      'garbage in the middle',
      () => {
        const bytes = readFileSync(file())
        bytes.fill(0xff, 8192, 16384)
        writeFileSync(file(), bytes)
      },
    ],
    ['cut off', () => truncateSync(file(), 12_000)],
  ])('damaged (%s): a coded error with the way out, and not a byte is changed', (_, spoil) => {
    filled().close()
    spoil()
    const before = readFileSync(file())
    const open = () => new LocalStore(dir)
    expect(open).toThrow(expect.objectContaining({ code: 'DATABASE_CORRUPT', help: expect.stringContaining('backup') }))
    expect(open).not.toThrow(dir)
    expect(readFileSync(file()).equals(before)).toBe(true)
  })

  test('that cannot be opened: a coded error', () => {
    mkdirSync(file())
    expect(() => new LocalStore(dir)).toThrow(expect.objectContaining({ code: 'DATA_DIR_UNUSABLE' }))
  })

  test('on a full disk: a coded error, nothing of the transaction stays, and it goes on later', () => {
    const store = filled()
    const pages = Number(store.db.prepare('PRAGMA page_count').get()?.page_count)
    store.db.exec(`PRAGMA max_page_count = ${pages}`)
    const fill = () =>
      store.transaction(() => {
        for (let i = 0; i < 100; i++) store.db.prepare('INSERT INTO toy_note(text) VALUES (?)').run('y'.repeat(2000))
      })
    expect(fill).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
    expect(count(store)).toBe(200)
    store.db.exec('PRAGMA max_page_count = 1000000')
    fill()
    expect(count(store)).toBe(300)
    store.close()
  })
})

describe('migrations', () => {
  test('run once each, later ones on top', () => {
    const first = new LocalStore(dir)
    first.migrate('toy', notes)
    first.migrate('toy', notes)
    first.close()
    const second = new LocalStore(dir)
    second.migrate('toy', [...notes, 'ALTER TABLE toy_note ADD COLUMN more TEXT'])
    expect(second.db.prepare('SELECT more FROM toy_note').all()).toEqual([])
    second.close()
  })

  test('all or none', () => {
    const store = new LocalStore(dir)
    expect(() => store.migrate('toy', [...notes, 'CREATE TROUBLE'])).toThrow('syntax error')
    store.migrate('toy', notes)
    expect(count(store)).toBe(0)
    store.close()
  })

  test('of a newer version are left alone', () => {
    const store = new LocalStore(dir)
    store.migrate('toy', [...notes, 'CREATE TABLE toy_more(x)'])
    expect(() => store.migrate('toy', notes)).toThrow(expect.objectContaining({ code: 'STORE_NEWER' }))
    store.close()
  })
})

describe('transactions', () => {
  test('one inside another belongs to it', () => {
    const store = filled()
    const insert = () => store.db.prepare('INSERT INTO toy_note(text) VALUES (?)').run('z')
    expect(() =>
      store.transaction(() => {
        store.transaction(insert)
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(count(store)).toBe(200)
    expect(store.transaction(() => store.transaction(insert).changes)).toBe(1)
    expect(count(store)).toBe(201)
    store.close()
  })
})
