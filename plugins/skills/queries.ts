/** The SQL behind lists of skills. Every one is a walk along an index that ends with the page; see tables.ts for the indexes. */
import type { AttachmentRef, Pact } from '../../kernel/index.ts'
import { packedRows, type ReadModel, type Value } from '../read-model/service.ts'
import type { Format } from './entries.ts'

type Index = Pick<ReadModel, 'prepare' | 'pactNo'>

export interface SkillRow {
  id: string
  position: number
  name: string
  version: string
  version_key: string
  format: Format
}

const COLUMNS = 'id, position, name, version, version_key, format'

export function skillRow(model: Index, pact: Pact, id: string): SkillRow | null {
  const sql = `SELECT ${COLUMNS} FROM skills_skill WHERE pact = ? AND id = ?`
  return (model.prepare(sql).get(model.pactNo(pact), id) as SkillRow | undefined) ?? null
}

/** Versions of one skill, the newest first; where one was published twice, the later first. */
export function versionRows(
  model: Index,
  pact: Pact,
  name: string,
  limit: number,
  after: readonly [string, number] | null = null,
): SkillRow[] {
  const term = after ? 'AND (version_key, position) < (?, ?)' : ''
  const sql = `SELECT ${COLUMNS} FROM skills_skill WHERE pact = ? AND name = ? ${term}
    ORDER BY version_key DESC, position DESC LIMIT ?`
  return packedRows<SkillRow>(model, COLUMNS, sql, [model.pactNo(pact), name, ...(after ?? []), limit])
}

/** All that were published under a version; build metadata makes it another one. */
export function sameVersion(model: Index, pact: Pact, name: string, version: string, key: string): SkillRow[] {
  const sql = `SELECT ${COLUMNS} FROM skills_skill WHERE pact = ? AND name = ? AND version_key = ? AND version = ? LIMIT 10`
  return model.prepare(sql).all(model.pactNo(pact), name, key, version) as unknown as SkillRow[]
}

/** The last to be published first. */
export function listRows(
  model: Index,
  pact: Pact,
  format: Format | undefined,
  limit: number,
  after: number | null,
): SkillRow[] {
  const term = format === undefined ? '' : 'AND format = ?'
  const values: Value[] = [model.pactNo(pact), ...(format === undefined ? [] : [format])]
  const sql = `SELECT ${COLUMNS} FROM skills_skill WHERE pact = ? ${term} AND position < ? ORDER BY position DESC LIMIT ?`
  return packedRows<SkillRow>(model, COLUMNS, sql, [...values, after ?? Number.MAX_SAFE_INTEGER, limit])
}

/** Content that stands beside its entry, of the entries from a position on. */
export function attachmentsFrom(model: Index, pact: Pact, position: number): AttachmentRef[] {
  return model
    .prepare('SELECT attachment FROM skills_skill WHERE pact = ? AND position >= ? AND attachment IS NOT NULL')
    .all(model.pactNo(pact), position)
    .map(row => JSON.parse(String(row.attachment)) as AttachmentRef)
}

/** Names near a wrong one are looked for among these: the ones around it. */
export function namesAround(model: Index, pact: Pact, name: string): string[] {
  const half = (compare: '<' | '>=', order: 'ASC' | 'DESC') =>
    model
      .prepare(
        `SELECT name FROM skills_skill WHERE pact = ? AND name ${compare} ? GROUP BY name ORDER BY name ${order} LIMIT 50`,
      )
      .all(model.pactNo(pact), name)
      .map(row => String(row.name))
  return [...half('<', 'DESC'), ...half('>=', 'ASC')]
}
