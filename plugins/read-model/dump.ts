/** Everything derived of a pact in one canonical text: numbers of this database written out as what they stand for. */
import type { Value } from '../store/sqlite.ts'
import { COLUMNS, type EntryRow } from './entries.ts'
import { changesOf } from './history.ts'
import type { IndexParts } from './index-parts.ts'
import type { PactIndex } from './pact-index.ts'
import { laneOf, lanes, positionOf, rowKey } from './rows.ts'

/** Two dumps are equal when two indexes at the same chain hold the same, however they got there. */
export function dumpOf(index: PactIndex, parts: IndexParts): string {
  const { db, words, people, entries, tables } = parts
  const range = [rowKey(index.no, lanes.accepted, 0), rowKey(index.no + 1, lanes.accepted, 0)] as const
  const word = (no: Value) => (no === null ? null : words.text(Number(no)))
  const rows = db.prepare(`SELECT ${COLUMNS}, dedup FROM entries WHERE at >= ? AND at < ? ORDER BY at`).all(...range)
  const sections: Record<string, unknown[]> = {
    head: [index.indexed, index.chain.toString('hex')],
    entries: rows.map(row => ({
      lane: laneOf(Number(row.at)),
      ...entries.identify(row as unknown as EntryRow),
      position: positionOf(Number(row.at)),
      v: row.v ?? null,
      topic: word(row.topic ?? null),
      agent: row.agent === null ? null : (people.byNumber(Number(row.agent))?.key ?? null),
      timestamp: row.timestamp ?? null,
      payload: row.payload ?? null,
      refs: row.refs ?? null,
      unreadable: row.unreadable ?? null,
      extra: row.extra ?? null,
      dedup: plain(row.dedup ?? null),
    })),
    refs: db
      .prepare('SELECT dst, at, type FROM refs WHERE at >= ? AND at < ?')
      .all(...range)
      .map(({ dst, at, type }) => [dst, positionOf(Number(at)), word(type ?? null)]),
    changes: [...changesOf(parts, index.no, 0, index.indexed)],
  }
  for (const name of tables.names()) {
    const columns = db
      .prepare(`SELECT name, type, pk FROM pragma_table_info(?) WHERE name <> 'pact'`)
      .all(name)
      // A number that SQLite gave out depends on the other pacts in the table.
      .filter(({ pk, type }) => !(Number(pk) > 0 && String(type).toUpperCase() === 'INTEGER'))
      .map(column => `"${String(column.name).replaceAll('"', '""')}"`)
    const table = db.prepare(`SELECT ${columns.join(', ')} FROM ${name} WHERE pact = ?`).all(index.no)
    sections[name] = table.map(row =>
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)])),
    )
  }
  for (const [name, list] of Object.entries(sections)) {
    if (name !== 'head') sections[name] = list.map(row => JSON.stringify(row)).sort()
  }
  return JSON.stringify(sections, null, 1)
}

function plain(value: Value): string | number | null {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return typeof value === 'bigint' ? value.toString() : value
}
