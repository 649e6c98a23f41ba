/**
 * Installed skills: one folder each in `skills/` of the data directory. Names are checked before they come here; no symbolic link is
 * followed or replaced, nothing that was not installed is touched, and a folder is there whole or not at all.
 */
import { constants } from 'node:fs'
import { lstat, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { OpenPactError } from '../../kernel/index.ts'
import { sha256 } from './content.ts'
import { type Format, namePattern } from './entries.ts'

/** What `openpact.json` in the folder of a skill says. */
export interface Installed {
  name: string
  version: string
  format: Format
  description: string
  /** Id of its entry, and of its pact. */
  id: string
  pact: string
  author: string
  sha256: string
  /** Name of the file with the content. */
  file: string
  /** ISO 8601 */
  installed_at: string
}

const CARD = 'openpact.json'
/** Larger than any card or content that is installed here. */
const LARGEST = 8 * 1024 * 1024
const isName = new RegExp(namePattern)
/** The folder that a new version takes the place of; put back if that was cut short. */
const OLD = '.old-'
const NEW = '.new-'

/** The file that the content of a format is kept in. */
export const fileOf: Record<Format, string> = { openclaw: 'SKILL.md', generic: 'SKILL.md', langchain: 'skill.txt' }

export class SkillFolder {
  private readonly root: string
  /** One change at a time. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(dataDir: string) {
    this.root = join(dataDir, 'skills')
  }

  /** @throws OpenPactError SKILL_FOLDER_FOREIGN, SKILL_OF_OTHER_PACT, SKILL_CHECKSUM_MISMATCH */
  install(card: Installed, content: string): Promise<string> {
    return this.alone(async () => {
      await this.repair()
      const { name } = card
      const before = await this.card(name)
      if (before && before.pact !== card.pact)
        throw new OpenPactError('SKILL_OF_OTHER_PACT', { name, pact: before.pact })
      const fresh = await mkdtemp(join(this.root, NEW))
      try {
        await write(join(fresh, card.file), content)
        await write(join(fresh, CARD), `${JSON.stringify(card, null, 2)}\n`)
        // What is on disk is what was published, or it is not installed.
        const found = sha256(await read(join(fresh, card.file)))
        if (found !== card.sha256) throw new OpenPactError('SKILL_CHECKSUM_MISMATCH', { found, expected: card.sha256 })
        if (before) await rename(this.at(name), join(this.root, OLD + name))
        await rename(fresh, this.at(name))
      } finally {
        await rm(fresh, { recursive: true, force: true })
        await this.repair()
      }
      return this.at(name)
    })
  }

  /** All that are installed, by name, and whether their content is still what was installed. */
  list(): Promise<(Installed & { intact: boolean })[]> {
    return this.alone(async () => {
      await this.repair()
      const found: (Installed & { intact: boolean })[] = []
      for (const name of (await readdir(this.root)).sort()) {
        const card = isName.test(name) ? await this.card(name).catch(() => null) : null
        if (!card) continue
        const content = await read(join(this.at(name), card.file)).catch(() => '')
        found.push({ ...card, intact: sha256(content) === card.sha256 })
      }
      return found
    })
  }

  /** Takes a skill of a pact away. False when there is none. */
  remove(name: string, pact: string): Promise<boolean> {
    return this.alone(async () => {
      await this.repair()
      const card = await this.card(name)
      if (card?.pact !== pact) return false
      // Out of sight in one step; what is left of it is taken away then.
      const away = await mkdtemp(join(this.root, NEW))
      await rename(this.at(name), join(away, name))
      await rm(away, { recursive: true, force: true })
      return true
    })
  }

  private at(name: string): string {
    if (!isName.test(name))
      throw new OpenPactError('SKILL_FOLDER_FOREIGN', { name: '?', reason: 'it is no name of a skill' })
    return join(this.root, name)
  }

  /** What is installed under a name, or null. @throws OpenPactError SKILL_FOLDER_FOREIGN for anything else of that name */
  private async card(name: string): Promise<Installed | null> {
    const kind = await kindOf(this.at(name))
    if (kind === 'none') return null
    const foreign = (reason: string) => new OpenPactError('SKILL_FOLDER_FOREIGN', { name, reason })
    if (kind !== 'folder') throw foreign(kind === 'link' ? 'it is a symbolic link' : 'it is a file')
    try {
      const card = JSON.parse(await read(join(this.at(name), CARD))) as Installed
      if (card.name === name && fileOf[card.format] === card.file) return card
    } catch {
      // No card: not from here.
    }
    throw foreign('it was not installed by OpenPact')
  }

  /** Makes the folder of all skills, and ends what was cut short. @throws OpenPactError SKILL_FOLDER_FOREIGN */
  private async repair(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 }).catch(() => {})
    if ((await kindOf(this.root)) !== 'folder')
      throw new OpenPactError('SKILL_FOLDER_FOREIGN', { name: '', reason: 'the folder itself is a link or a file' })
    for (const name of await readdir(this.root)) {
      const path = join(this.root, name)
      if (name.startsWith(OLD)) {
        const was = name.slice(OLD.length)
        if (isName.test(was) && (await kindOf(this.at(was))) === 'none') await rename(path, this.at(was))
        else await rm(path, { recursive: true, force: true })
      } else if (name.startsWith(NEW)) await rm(path, { recursive: true, force: true })
    }
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.last.then(work, work)
    this.last = next.catch(() => {})
    return next
  }
}

async function kindOf(path: string): Promise<'none' | 'folder' | 'link' | 'file'> {
  const found = await lstat(path).catch(() => null)
  if (!found) return 'none'
  if (found.isSymbolicLink()) return 'link'
  return found.isDirectory() ? 'folder' : 'file'
}

async function write(path: string, text: string): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  const file = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function read(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if ((await file.stat()).size > LARGEST) throw new Error('larger than anything that was installed')
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
