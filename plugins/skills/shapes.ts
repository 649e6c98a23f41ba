/** Skills as the API shows them: the entry, without content; that is asked for by itself. */
import { type Static, Type } from 'typebox'
import { OpenPactError, type Pact } from '../../kernel/index.ts'
import { didYouMean } from '../operations/near-names.ts'
import type { EntryView, ReadModel } from '../read-model/service.ts'
import { EntryShape } from '../read-model/wire.ts'
import { Format, type SkillPayload } from './entries.ts'
import './errors.ts'
import { namesAround, type SkillRow, sameVersion, skillRow, versionRows } from './queries.ts'
import { versionKey } from './version-key.ts'

export const SkillRef = Type.String({
  minLength: 1,
  maxLength: 160,
  description: 'Id, name (then its newest version), or name@version',
})

export const SkillEntry = Type.Object({
  ...EntryShape.properties,
  payload: Type.Unknown({ description: 'What was signed; without its content' }),
  name: Type.String(),
  version: Type.String(),
  format: Format,
  description: Type.String(),
  size: Type.Integer({ description: 'Bytes of the content' }),
  sha256: Type.String({ description: 'Of the content, hex' }),
  requires_approval: Type.Boolean(),
  attached: Type.Boolean({ description: 'The content stands beside the entry and may still have to be fetched' }),
})
export type SkillEntry = Static<typeof SkillEntry>

export function skillEntry(entry: EntryView): SkillEntry {
  const { content: _, ...payload } = entry.payload as SkillPayload
  const { name, version, format, description, size, sha256, requires_approval = false, attachment } = payload
  const shown = { name, version, format, description, size, sha256, requires_approval, attached: !!attachment }
  return { ...entry, payload, ...shown }
}

/** A skill that was found, as it was signed. */
export interface Skill {
  row: SkillRow
  entry: EntryView
  payload: SkillPayload
}

/** @throws OpenPactError SKILL_UNKNOWN naming near ones, SKILL_AMBIGUOUS */
export function findSkill(model: ReadModel, pact: Pact, ref: string): Skill {
  const row = skillRow(model, pact, ref) ?? byName(model, pact, ref)
  const entry = row && model.entryAt(pact, row.position)
  if (!entry) {
    const [name = ''] = ref.split('@')
    const near = didYouMean(name, namesAround(model, pact, name))
    throw new OpenPactError('SKILL_UNKNOWN', { skill: `"${ref}"`, near })
  }
  return { row, entry, payload: entry.payload as SkillPayload }
}

function byName(model: ReadModel, pact: Pact, ref: string): SkillRow | null {
  const [name = '', version] = ref.split('@', 2)
  if (version === undefined) {
    const [newest, next] = versionRows(model, pact, name, 2)
    if (newest && newest.version_key === next?.version_key && newest.version === next.version)
      ambiguous(ref, [newest, next])
    return newest ?? null
  }
  const key = versionKey(version)
  const found = key === null ? [] : sameVersion(model, pact, name, version, key)
  if (found.length > 1) ambiguous(ref, found)
  return found[0] ?? null
}

/** Two members published the same version: which of them is meant is not for the machine to say. */
function ambiguous(ref: string, rows: SkillRow[]): never {
  throw new OpenPactError('SKILL_AMBIGUOUS', { skill: ref, ids: rows.map(({ id }) => id).join(', ') })
}
