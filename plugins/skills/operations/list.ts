import { OpenPactError, Type } from '../../../kernel/index.ts'
import { operation } from '../../operations/operation.ts'
import { decodeCursor, encodeCursor, readModel } from '../../read-model/service.ts'
import { PageInput, pageShape } from '../../read-model/wire.ts'
import { isHere } from '../content.ts'
import { Format, Name } from '../entries.ts'
import { Namesakes } from '../namesakes.ts'
import { listRows, versionRows } from '../queries.ts'
import { Author, findSkill, SkillEntry, SkillRef, skillEntry } from '../shapes.ts'

export const listSkills = operation({
  name: 'skills.list',
  summary: 'List the skills of the pact, or the versions of one, the newest first',
  description:
    'Without `name`, the last to be published comes first; with it, the highest version, pre-releases below their release.',
  http: 'GET /skills',
  access: 'read',
  input: Type.Object({
    name: Type.Optional(Name),
    format: Type.Optional(Format),
    limit: PageInput.limit,
    cursor: PageInput.cursor,
  }),
  output: pageShape(SkillEntry),
  errors: ['CURSOR_INVALID', 'QUERY_UNSUPPORTED'],
  cli: { path: 'skill list', columns: ['id', 'name', 'version', 'format', 'author', 'standing', 'description'] },
  mcp: { tool: 'list_skills', use: 'Use when a task may have been solved before: others publish how they do things.' },
  run({ name, format, limit = 50, cursor }, call) {
    if (name !== undefined && format !== undefined)
      throw new OpenPactError('QUERY_UNSUPPORTED', { reason: 'name and format' })
    const { pact } = call
    const model = call.use(readModel)
    const place = placeOf(cursor, name === undefined ? 1 : 2)
    // One more than asked for tells whether there is another page.
    const rows =
      name === undefined
        ? listRows(model, pact, format, limit + 1, place && Number(place[0]))
        : versionRows(model, pact, name, limit + 1, place && [String(place[0]), Number(place[1])])
    const last = rows.length > limit ? rows[limit - 1] : undefined
    const shown = rows.slice(0, limit)
    const entries = model.entriesAt(
      pact,
      shown.map(({ position }) => position),
    )
    const names = new Map(shown.map(row => [row.name, new Namesakes(model, pact, row.name)]))
    return {
      entries: shown.flatMap(row => {
        const entry = entries.get(row.position)
        const namesakes = names.get(row.name)
        return entry && namesakes ? [skillEntry(entry, namesakes)] : []
      }),
      cursor: last ? encodeCursor(name === undefined ? [last.position] : [last.version_key, last.position]) : null,
      has_more: last !== undefined,
      ...(model.progress(pact).partial ? { partial: true as const } : {}),
    }
  },
})

export const showSkill = operation({
  name: 'skills.show',
  summary: 'Show a skill, and whether its content is on this machine',
  http: 'GET /skills/:id',
  access: 'read',
  input: Type.Object({ id: SkillRef, author: Author }),
  output: Type.Object({
    ...SkillEntry.properties,
    here: Type.Boolean({ description: 'All of its content is on this machine' }),
  }),
  errors: ['SKILL_UNKNOWN', 'SKILL_OF_ANOTHER_AUTHOR'],
  cli: { path: 'skill show', args: ['id'] },
  async run({ id, author }, call) {
    const { entry, payload, namesakes } = findSkill(call, id, author)
    return { ...skillEntry(entry, namesakes), here: await isHere(call, payload) }
  },
})

/** @throws OpenPactError CURSOR_INVALID */
function placeOf(cursor: string | undefined, length: number): (string | number)[] | null {
  if (cursor === undefined) return null
  const place = decodeCursor(cursor)
  if (place?.length !== length || !Number.isSafeInteger(place.at(-1))) throw new OpenPactError('CURSOR_INVALID')
  return place
}
