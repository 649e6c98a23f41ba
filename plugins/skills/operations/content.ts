import { OpenPactError, Type } from '../../../kernel/index.ts'
import { type Call, operation } from '../../operations/operation.ts'
import { contentOf } from '../content.ts'
import { Format } from '../entries.ts'
import { Author, findSkill, type Skill, SkillRef } from '../shapes.ts'
import { versionKey } from '../version-key.ts'

/** ms that comparing may take, as nothing else is answered meanwhile, and lines that may differ. */
const DIFF_TIME = 500
const DIFF_LINES = 20_000

const Timeout = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: 100_000,
    description: 'How long to wait for content that is not here, in ms (5000)',
  }),
)
const PATIENCE = 5_000

export const readSkill = operation({
  name: 'skills.content',
  summary: 'Read the content of a skill, its sha256 checked',
  http: 'GET /skills/:id/content',
  access: 'read',
  input: Type.Object({ id: SkillRef, author: Author, timeout: Timeout }),
  output: Type.Object({
    id: Type.String(),
    name: Type.String(),
    version: Type.String(),
    format: Format,
    author: Type.String(),
    sha256: Type.String(),
    size: Type.Integer(),
    content: Type.String(),
  }),
  errors: [
    'SKILL_UNKNOWN',
    'SKILL_OF_ANOTHER_AUTHOR',
    'SKILL_CONTENT_MISSING',
    'SKILL_CHECKSUM_MISMATCH',
    'ATTACHMENT_FOREIGN',
    'ATTACHMENT_CORRUPT',
  ],
  cli: { path: 'skill content', args: ['id'], text: 'content' },
  mcp: {
    tool: 'read_skill',
    use: 'Use when you want to follow a skill of the pact, or to judge it before it is installed.',
  },
  async run({ id, author: by, timeout = PATIENCE }, call) {
    const { entry, payload } = findSkill(call, id, by)
    const content = await contentOf(call, payload, { timeout, signal: call.signal })
    const { name, version, format, sha256, size } = payload
    return { id: entry.id, name, version, format, author: entry.author, sha256, size, content }
  },
})

export const diffSkill = operation({
  name: 'skills.diff',
  summary: 'Show what changed from one version of a skill to another, line by line',
  http: 'GET /skills/:id/diff',
  access: 'read',
  input: Type.Object({
    id: SkillRef,
    from: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 160,
        description:
          'What to compare with: a version of it, or id, name or name@version of another; the version before it if absent',
      }),
    ),
    timeout: Timeout,
  }),
  output: Type.Object({
    from: Type.String({ description: 'Id' }),
    to: Type.String({ description: 'Id' }),
    same: Type.Boolean(),
    diff: Type.String({ description: 'Unified diff' }),
  }),
  errors: [
    'SKILL_UNKNOWN',
    'SKILL_OF_ANOTHER_AUTHOR',
    'SKILL_CONTENT_MISSING',
    'SKILL_CHECKSUM_MISMATCH',
    'ATTACHMENT_FOREIGN',
    'ATTACHMENT_CORRUPT',
    'SKILL_DIFF_TOO_LARGE',
  ],
  cli: { path: 'skill diff', args: ['id', 'from'] },
  async run({ id, from, timeout = PATIENCE }, call) {
    const to = findSkill(call, id)
    const before =
      from === undefined
        ? versionBefore(call, to)
        : findSkill(call, versionKey(from) === null ? from : `${to.row.name}@${from}`)
    const options = { timeout, signal: call.signal }
    const [older, newer] = await Promise.all([
      contentOf(call, before.payload, options),
      contentOf(call, to.payload, options),
    ])
    // Nineteen files that no start has to wait for.
    const { createTwoFilesPatch } = await import('diff')
    const limits = { timeout: DIFF_TIME, maxEditLength: DIFF_LINES, context: 3 }
    const names = [before, to].map(({ payload }) => `${payload.name}@${payload.version}`)
    const diff = createTwoFilesPatch(names[0] ?? '', names[1] ?? '', older, newer, undefined, undefined, limits)
    if (diff === undefined) throw new OpenPactError('SKILL_DIFF_TOO_LARGE')
    return { from: before.entry.id, to: to.entry.id, same: older === newer, diff }
  },
})

/** Of the same author. @throws OpenPactError SKILL_UNKNOWN when there is none before it */
function versionBefore(call: Call, { row, entry, namesakes }: Skill): Skill {
  const before = namesakes.highest(entry.identity ?? entry.agent, row.version_key)
  if (!before) throw new OpenPactError('SKILL_UNKNOWN', { skill: `"${row.name}" before ${row.version}`, near: '' })
  return findSkill(call, before.id)
}
