/** The files that are served, and the index that names them with their digests. */
import { createHash } from 'node:crypto'
import type { Operation } from '../operations/operation.ts'
import { description, SKILL, skillFile } from './skill-file.ts'
import { toolsFile } from './tools-file.ts'

/** Below the folder that is named after the skill. */
export type FileName = 'SKILL.md' | 'tools.json'

export const ROOT = '/.well-known/agent-skills'

/** The skill as a folder of files. */
export function skillFiles(operations: readonly Operation[]): Record<FileName, string> {
  return { 'SKILL.md': skillFile(operations), 'tools.json': toolsFile(operations) }
}

/** `index.json` of the discovery of agent skills. */
export function skillIndex(files: Record<FileName, string>): object {
  const listed = Object.entries(files).map(([path, text]) => ({
    path,
    url: `${ROOT}/${SKILL}/${path}`,
    digest: `sha256:${createHash('sha256').update(text).digest('hex')}`,
  }))
  const { url, digest } = listed.find(({ path }) => path === 'SKILL.md')!
  return {
    $schema: 'https://schemas.agentskills.io/discovery/0.2.0/schema.json',
    skills: [{ name: SKILL, type: 'skill-md', description, url, digest, files: listed }],
  }
}
