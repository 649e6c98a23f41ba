/** A file of settings that belongs to another program: read as it is, replaced as a whole or not at all. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { createTwoFilesPatch } from 'diff'
import { OpenPactError } from '../../kernel/errors.ts'

/** Its text, or null when there is none. @throws OpenPactError CLIENT_CONFIG_BROKEN */
export function readConfig(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new OpenPactError('CLIENT_CONFIG_BROKEN', { file, reason: `it cannot be read (${code})`, snippet: '' })
  }
}

/**
 * Replaces a file, or takes it away when `text` is null. A link goes on pointing to what it points to, and rights stay as they are.
 * @throws OpenPactError CLIENT_CONFIG_UNWRITABLE
 */
export function writeConfig(file: string, text: string | null): void {
  const target = targetOf(file)
  const draft = join(dirname(target), `.openpact-${randomBytes(6).toString('hex')}`)
  try {
    if (text === null) {
      rmSync(target)
      return
    }
    const mode = statSync(target, { throwIfNoEntry: false })?.mode ?? 0o600
    // One at a time: in a place like /proc, Node's own way of making all of them never ends.
    for (const folder of missingFolders(target).reverse()) mkdirSync(folder)
    writeFileSync(draft, text, { mode: 0o600, flush: true })
    chmodSync(draft, mode & 0o777)
    renameSync(draft, target)
  } catch (error) {
    try {
      rmSync(draft, { force: true })
    } catch {
      // Where nothing can be written there is no draft either.
    }
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new OpenPactError('CLIENT_CONFIG_UNWRITABLE', { file, reason }, { cause: error })
  }
}

/** Takes away folders that are empty, from the innermost outwards. */
export function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder)
    } catch {
      return
    }
  }
}

/** Folders above a file that do not exist yet, the innermost first. */
export function missingFolders(file: string): string[] {
  const missing: string[] = []
  for (let at = dirname(file); !statSync(at, { throwIfNoEntry: false }); at = dirname(at)) missing.push(at)
  return missing
}

/** What changes, for people to read. */
export function diffOf(file: string, before: string | null, after: string | null): string {
  const patch = createTwoFilesPatch(
    before === null ? '/dev/null' : file,
    after === null ? '/dev/null' : file,
    before ?? '',
    after ?? '',
  )
  return patch.replace(/^=+\n/, '')
}

function targetOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}
