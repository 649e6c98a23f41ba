/** The SQL behind lists of skills. Every one is a walk along an index that ends with the page; see tables.ts for the indexes. */
import type { Pact } from '../../kernel/index.ts'
import type { AttachmentRef } from '../attachments/service.ts'
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
  /** Hex of the agent's key. */
  agent: string
}

const COLUMNS = 'id, position, name, version, version_key, format, agent'

export function skillRow(model: Index, pact: Pact, id: string): SkillRow | null {
  const sql = `SELECT ${COLUMNS} FROM skills_skill WHERE pact = ? AND id = ?`
  return (model.prepare(sql).get(model.pactNo(pact), id) as SkillRow | undefined) ?? null
}

/** Versions of one skill, of all authors, the newest first; where one was published twice, the later first. */
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

/** The first that was published under a name. */
export function firstRow(model: Index, pact: Pact, name: string): SkillRow | null {
  const sql = `SELECT ${COLUMNS} FROM skills_skill WHERE pact = ? AND name = ? ORDER BY position LIMIT 1`
  return (model.prepare(sql).get(model.pactNo(pact), name) as SkillRow | undefined) ?? null
}

/** One row of every agent that published under a name: from one agent to the next in the index, past all their versions. */
export function agentRows(model: Index, pact: Pact, name: string): SkillRow[] {
  const sql = `SELECT ${COLUMNS} FROM skills_skill WHERE pact = ? AND name = ? AND agent > ? ORDER BY agent LIMIT 1`
  const next = model.prepare(sql)
  const found: SkillRow[] = []
  for (;;) {
    const row = next.get(model.pactNo(pact), name, found.at(-1)?.agent ?? '') as SkillRow | undefined
    if (!row) return found
    found.push(row)
  }
}

/** The highest version of an agent, or the highest below one. */
export function highestRow(
  model: Index,
  pact: Pact,
  name: string,
  agent: string,
  below: string | null,
): SkillRow | null {
  const term = below === null ? '' : 'AND version_key < ?'
  const sql = `SELECT ${COLUMNS} FROM skills_skill WHERE pact = ? AND name = ? AND agent = ? ${term}
    ORDER BY version_key DESC, position DESC LIMIT 1`
  const values = [model.pactNo(pact), name, agent, ...(below === null ? [] : [below])]
  return (model.prepare(sql).get(...values) as SkillRow | undefined) ?? null
}

/** The first that an agent published under a version; build metadata makes it another one. */
export function versionRow(
  model: Index,
  pact: Pact,
  { name, agent, version, version_key }: Pick<SkillRow, 'name' | 'agent' | 'version' | 'version_key'>,
): SkillRow | null {
  const sql = `SELECT ${COLUMNS} FROM skills_skill
    WHERE pact = ? AND name = ? AND agent = ? AND version_key = ? AND version = ? ORDER BY position LIMIT 1`
  const values = [model.pactNo(pact), name, agent, version_key, version]
  return (model.prepare(sql).get(...values) as SkillRow | undefined) ?? null
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
    .prepare(
      `SELECT attachment FROM skills_skill WHERE pact = ?1 AND position >= ?2 AND attachment IS NOT NULL
       UNION ALL SELECT attachment FROM skills_content WHERE pact = ?1 AND position >= ?2`,
    )
    .all(model.pactNo(pact), position)
    .map(row => JSON.parse(String(row.attachment)) as AttachmentRef)
}

/** What was attached again of a content, the first first: who refounds writes before anybody else. */
export function attachedAgain(model: Index, pact: Pact, sha256: string): AttachmentRef[] {
  return model
    .prepare('SELECT attachment FROM skills_content WHERE pact = ? AND sha256 = ? ORDER BY position LIMIT 10')
    .all(model.pactNo(pact), sha256)
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
