/** Skills as the API shows them: the entry, without content; that is asked for by itself. */
import { OpenPactError, type Static, Type } from '../../kernel/index.ts'
import { meant } from '../operations/named-agent.ts'
import { didYouMean } from '../operations/near-names.ts'
import type { Call } from '../operations/operation.ts'
import { type EntryView, readModel } from '../read-model/service.ts'
import { EntryShape } from '../read-model/wire.ts'
import { Format, type SkillPayload } from './entries.ts'
import './errors.ts'
import { Namesakes, standings } from './namesakes.ts'
import { namesAround, type SkillRow, skillRow } from './queries.ts'
import { versionKey } from './version-key.ts'

export const SkillRef = Type.String({
  minLength: 1,
  maxLength: 160,
  description: 'Id, name (then its newest version), or name@version',
})
export const Author = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 80,
    description:
      'Handle or key of who published it ("me" is the agent that asks), where that is not whom the name belongs to',
  }),
)

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
  standing: Type.Enum([...standings], {
    description:
      'stands: its name and version give it; other-author: the name belongs to who used it first, so it is given by id or author; ' +
      'superseded: the version was there before, so it is given by id alone',
  }),
})
export type SkillEntry = Static<typeof SkillEntry>

export function skillEntry(entry: EntryView, namesakes: Namesakes): SkillEntry {
  const { content: _, ...payload } = entry.payload as SkillPayload
  const { name, version, format, description, size, sha256, requires_approval = false, attachment } = payload
  const shown = { name, version, format, description, size, sha256, requires_approval, attached: !!attachment }
  return { ...entry, payload, ...shown, standing: namesakes.standing(entry, version) }
}

/** A skill that was found, as it was signed. */
export interface Skill {
  row: SkillRow
  entry: EntryView
  payload: SkillPayload
  namesakes: Namesakes
}

/** @throws OpenPactError SKILL_UNKNOWN naming near ones, SKILL_OF_ANOTHER_AUTHOR */
export function findSkill(call: Call, ref: string, by?: string): Skill {
  const { pact } = call
  const model = call.use(readModel)
  const author = by && meant(call, by)
  const row = skillRow(model, pact, ref)
  const [name = '', version] = row ? [row.name] : ref.split('@', 2)
  const namesakes = new Namesakes(model, pact, name)
  const found = row ?? byName(namesakes, name, version, author)
  const entry = found && model.entryAt(pact, found.position)
  if (!entry || (row && author !== undefined && !namesakes.isBy(entry, author))) {
    const near = didYouMean(name, namesAround(model, pact, name))
    throw new OpenPactError('SKILL_UNKNOWN', { skill: `"${ref}"${author === undefined ? '' : ` of ${author}`}`, near })
  }
  return { row: found, entry, payload: entry.payload as SkillPayload, namesakes }
}

/** A name belongs to who used it first: that of another is never taken for it in silence. */
function byName(namesakes: Namesakes, name: string, version: string | undefined, author: string | undefined) {
  const { owner } = namesakes
  const person = author === undefined ? owner : namesakes.named(author)
  if (person === null) return null
  if (version === undefined) return namesakes.highest(person)
  const key = versionKey(version)
  if (key === null) return null
  const found = namesakes.version(person, version, key)
  if (found || author !== undefined) return found
  const others = namesakes.publishersOf(version, key)
  if (others.length === 0) return null
  throw new OpenPactError('SKILL_OF_ANOTHER_AUTHOR', {
    skill: `"${name}@${version}"`,
    name,
    owner: namesakes.ownerHandle,
    others: others.slice(0, 10).join(', '),
  })
}
