/** What happened at each position, for who acts on it: the outbox of `events`. */
import type { Database } from '../store/sqlite.ts'
import type { IndexParts } from './index-parts.ts'
import type { PactIndex } from './pact-index.ts'
import { lanes, positionOf, rowKey } from './rows.ts'
import type { Happening } from './service.ts'
import type { SubjectChange } from './table.ts'

/**
 * Happenings from `position` on, at most `limit`, as far as every table reaches. Empty when a chain has to be read from the log
 * and is not on this machine, or when rows were undone while it was read: ask again after the next sync.
 */
export async function happenings(
  index: PactIndex,
  parts: IndexParts,
  position: number,
  limit: number,
): Promise<Happening[]> {
  const reach = Math.min(index.indexed, position + limit, ...parts.tables.lagging(index.no).values())
  const { epoch } = index
  const chains: Buffer[] = []
  for (let length = position + 1; length <= reach; length++) {
    const chain = await index.chainAt(length)
    if (!chain) break
    chains.push(chain)
  }
  if (index.epoch !== epoch) return []
  const changes = changesOf(parts, index.no, position, position + chains.length)
  const rows = parts.entries.named(index.no, position, position + chains.length)
  return chains.flatMap((chain, i) => {
    const row = rows.get(position + i)
    if (!row) return []
    const { id, type, verdict } = parts.entries.identify(row)
    const carried = row.extra !== null && 'carried_from' in (JSON.parse(row.extra) as object)
    return [{ position: position + i, chain, id, type, verdict, carried, changes: changes.get(position + i) ?? [] }]
  })
}

/** Changes of a range of positions, each position's in the order of tables and of their emission. */
export function changesOf(
  { db, words }: IndexParts,
  pactNo: number,
  from: number,
  to: number,
): Map<number, SubjectChange[]> {
  const found = new Map<number, { source: string; change: SubjectChange }[]>()
  for (const row of changeRows(db, pactNo, from, to)) {
    const change: SubjectChange = { subject: words.text(row.subject), id: row.id, kind: words.text(row.kind) }
    if (row.data !== null) change.data = JSON.parse(row.data) as unknown
    const position = positionOf(row.at)
    found.set(position, [...(found.get(position) ?? []), { source: words.text(row.source), change }])
  }
  // Numbers of tables depend on which came first here; their names are the same everywhere.
  const byName = (a: { source: string }, b: { source: string }) =>
    a.source < b.source ? -1 : a.source > b.source ? 1 : 0
  return new Map([...found].map(([position, list]) => [position, list.sort(byName).map(({ change }) => change)]))
}

interface ChangeRow {
  at: number
  source: number
  i: number
  subject: number
  id: string
  kind: number
  data: string | null
}

function changeRows(db: Database, pactNo: number, from: number, to: number): ChangeRow[] {
  const rows = db
    .prepare(
      'SELECT at, source, i, subject, id, kind, data FROM changes WHERE at >= ? AND at < ? ORDER BY at, source, i',
    )
    .all(rowKey(pactNo, lanes.accepted, from), rowKey(pactNo, lanes.accepted, to))
  return rows as unknown as ChangeRow[]
}
