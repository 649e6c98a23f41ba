/** Many rows at once. */
import type { Database, Statement, Value } from '../store/sqlite.ts'

/**
 * The rows of a query, packed by SQLite into one text: half the time of handing every value over by itself. For columns of text and
 * of integers that are exact in JavaScript.
 * @param columns names, separated by ", "
 * @param sql a SELECT of these columns; with an ORDER BY, it must have a LIMIT too, or SQLite drops the order
 */
export function packedRows<Row>(
  db: Pick<Database, 'prepare'>,
  columns: string,
  sql: string,
  values: readonly Value[],
): Row[] {
  const page = packing(db, columns, sql).get(...values)
  return JSON.parse(String(page?.rows)) as Row[]
}

function packing(db: Pick<Database, 'prepare'>, columns: string, sql: string): Statement {
  const fields = columns.split(', ').map(name => `'${name}', ${name}`)
  return db.prepare(`SELECT json_group_array(json_object(${fields.join(', ')})) AS rows FROM (${sql})`)
}
