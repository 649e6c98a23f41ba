/** The read model of skills: names, versions in their order, and where content stands beside the entry. */
import type { AttachmentRef } from '../attachments/service.ts'
import { CONTENT_ENTRY } from '../backup/service.ts'
import { table } from '../read-model/table.ts'
import type { SkillPayload } from './entries.ts'
import { versionKey } from './version-key.ts'

export const skillsTable = table({
  name: 'skills_skill',
  version: 2,
  types: ['skill'],
  create: `
    CREATE TABLE skills_skill (
      pact INTEGER NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
      version_key TEXT NOT NULL, format TEXT NOT NULL, agent TEXT NOT NULL, attachment TEXT
    );
    CREATE UNIQUE INDEX skills_skill_id ON skills_skill (pact, id);
    CREATE INDEX skills_skill_version ON skills_skill (pact, name, version_key, position);
    CREATE INDEX skills_skill_name ON skills_skill (pact, name, position);
    CREATE INDEX skills_skill_agent ON skills_skill (pact, name, agent, version_key, position);
    CREATE INDEX skills_skill_position ON skills_skill (pact, position);
    CREATE INDEX skills_skill_format ON skills_skill (pact, format, position);
    CREATE INDEX skills_skill_attached ON skills_skill (pact, position) WHERE attachment IS NOT NULL;`,
  project({ id, position, entry }, db, { pactNo, payload, emit }) {
    if (payload === undefined || !entry) return
    const { name, version, format, attachment, sha256, size } = payload as SkillPayload
    const key = versionKey(version)
    if (key === null) throw new TypeError(`"${version}" is no semantic version`)
    if (attachment && (attachment.hash !== sha256 || attachment.length !== size))
      throw new TypeError('the attachment is not the content that was announced')
    db.prepare(
      `INSERT INTO skills_skill (pact, id, position, name, version, version_key, format, agent, attachment)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      ...[pactNo, id, position, name, version, key, format, entry.agent.toString('hex')],
      attachment ? JSON.stringify(attachment) : null,
    )
    emit({ subject: 'skill', id, kind: 'skill.published', data: { name, version, format } })
  },
})

/** Content that was attached again when the pact was refounded, by its sha256. */
export const contentsTable = table({
  name: 'skills_content',
  version: 1,
  types: [CONTENT_ENTRY],
  create: `
    CREATE TABLE skills_content (
      pact INTEGER NOT NULL, position INTEGER NOT NULL, sha256 TEXT NOT NULL, attachment TEXT NOT NULL
    );
    CREATE INDEX skills_content_sha256 ON skills_content (pact, sha256, position);
    CREATE INDEX skills_content_position ON skills_content (pact, position);`,
  project({ position }, db, { pactNo, payload }) {
    if (payload === undefined) return
    const { attachment } = payload as { attachment: AttachmentRef }
    db.prepare('INSERT INTO skills_content (pact, position, sha256, attachment) VALUES (?, ?, ?, ?)').run(
      pactNo,
      position,
      attachment.hash,
      JSON.stringify(attachment),
    )
  },
})
