import { OpenPactError, Type } from '../../../kernel/index.ts'
import { didYouMean } from '../../operations/near-names.ts'
import { operation } from '../../operations/operation.ts'
import { contentOf } from '../content.ts'
import { Format, Name } from '../entries.ts'
import { fileOf, type Installed } from '../folder.ts'
import { skillFolder } from '../service.ts'
import { Author, findSkill, SkillRef } from '../shapes.ts'

/** ms to wait for content that is not here. */
const PATIENCE = 30_000

const Text = Type.String()
const InstalledSkill = Type.Object({
  name: Text,
  version: Text,
  format: Format,
  description: Text,
  id: Type.String({ description: 'Id of its entry' }),
  pact: Type.String({ description: 'Id of its pact' }),
  author: Text,
  sha256: Text,
  file: Type.String({ description: 'Name of the file with the content' }),
  installed_at: Type.String({ description: 'ISO 8601' }),
})

export const installSkill = operation({
  name: 'skills.install',
  summary: 'Install a skill on this machine, its sha256 checked',
  description:
    'Writes it to skills/<name> in the data directory, in place of another version of it. A name gives what was published by whom it ' +
    'belongs to, who used it first; that of another is named by id or with `author`. Nothing is ever installed by itself, and ' +
    'nothing is run. Where the author wants it looked at first, `approve` says that somebody did.',
  http: 'POST /skills/:id/install',
  access: 'admin',
  signs: false,
  input: Type.Object({
    id: SkillRef,
    author: Author,
    approve: Type.Optional(Type.Boolean({ description: 'Somebody has looked at it and wants it' })),
  }),
  output: Type.Object({ ...InstalledSkill.properties, path: Type.String({ description: 'The folder it is in' }) }),
  errors: [
    'SKILL_UNKNOWN',
    'SKILL_OF_ANOTHER_AUTHOR',
    'SKILL_NEEDS_APPROVAL',
    'SKILL_CONTENT_MISSING',
    'SKILL_CHECKSUM_MISMATCH',
    'ATTACHMENT_FOREIGN',
    'ATTACHMENT_CORRUPT',
    'SKILL_FOLDER_FOREIGN',
    'SKILL_OF_OTHER_PACT',
  ],
  cli: { path: 'skill install', args: ['id'] },
  async run({ id, author, approve = false }, call) {
    const { pact } = call
    const { entry, payload } = findSkill(call, id, author)
    const { name, version, format, description, sha256 } = payload
    if (payload.requires_approval && !approve)
      throw new OpenPactError('SKILL_NEEDS_APPROVAL', { name, version, id: entry.id })
    const content = await contentOf(call, payload, { timeout: PATIENCE, signal: call.signal })
    const about = { name, version, format, description, id: entry.id, pact: pact.id, author: entry.author, sha256 }
    const card: Installed = { ...about, file: fileOf[format], installed_at: new Date().toISOString() }
    const path = await call.use(skillFolder).install(card, content)
    return { ...card, path }
  },
})

export const listInstalled = operation({
  name: 'skills.installed',
  summary: 'List the skills of this pact that are installed on this machine',
  http: 'GET /skills/installed',
  access: 'read',
  input: Type.Object({}),
  output: Type.Array(
    Type.Object({
      ...InstalledSkill.properties,
      intact: Type.Boolean({ description: 'Its content is still what was installed' }),
    }),
  ),
  errors: ['SKILL_FOLDER_FOREIGN'],
  cli: { path: 'skill installed', columns: ['name', 'version', 'format', 'author', 'installed_at', 'intact'] },
  async run(_input, call) {
    return (await call.use(skillFolder).list()).filter(({ pact }) => pact === call.pact.id)
  },
})

export const removeSkill = operation({
  name: 'skills.remove',
  summary: 'Take an installed skill off this machine',
  http: 'DELETE /skills/installed/:name',
  access: 'admin',
  input: Type.Object({ name: Name }),
  output: Type.Object({ name: Text, removed: Type.Literal(true) }),
  errors: ['SKILL_NOT_INSTALLED', 'SKILL_FOLDER_FOREIGN'],
  cli: { path: 'skill remove', args: ['name'] },
  async run({ name }, call) {
    const folder = call.use(skillFolder)
    if (!(await folder.remove(name, call.pact.id))) {
      const known = (await folder.list()).filter(({ pact }) => pact === call.pact.id)
      const near = didYouMean(
        name,
        known.map(skill => skill.name),
      )
      throw new OpenPactError('SKILL_NOT_INSTALLED', { name, near })
    }
    return { name, removed: true as const }
  },
})
