/** The read model of skills: names, versions in their order, and where content stands beside the entry. */
import { table } from '../read-model/table.ts'
import type { SkillPayload } from './entries.ts'
import { versionKey } from './version-key.ts'

export const skillsTable = table({
  name: 'skills_skill',
  version: 1,
  types: ['skill'],
  create: `
    CREATE TABLE skills_skill (
      pact INTEGER NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
      version_key TEXT NOT NULL, format TEXT NOT NULL, attachment TEXT
    );
    CREATE UNIQUE INDEX skills_skill_id ON skills_skill (pact, id);
    CREATE INDEX skills_skill_version ON skills_skill (pact, name, version_key, position);
    CREATE INDEX skills_skill_position ON skills_skill (pact, position);
    CREATE INDEX skills_skill_format ON skills_skill (pact, format, position);
    CREATE INDEX skills_skill_attached ON skills_skill (pact, position) WHERE attachment IS NOT NULL;`,
  project({ id, position }, db, { pactNo, payload, emit }) {
    if (payload === undefined) return
    const { name, version, format, attachment, sha256, size } = payload as SkillPayload
    const key = versionKey(version)
    if (key === null) throw new TypeError(`"${version}" is no semantic version`)
    if (attachment && (attachment.hash !== sha256 || attachment.length !== size))
      throw new TypeError('the attachment is not the content that was announced')
    db.prepare(
      `INSERT INTO skills_skill (pact, id, position, name, version, version_key, format, attachment)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(pactNo, id, position, name, version, key, format, attachment ? JSON.stringify(attachment) : null)
    emit({ subject: 'skill', id, kind: 'skill.published', data: { name, version, format } })
  },
})
