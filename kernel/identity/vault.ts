/** The folder `identity/`: secrets in small JSON files that only the owner reads, each replaced whole or not at all. */
import { chmod, mkdir, readdir, readFile, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OpenPactError } from '../errors.ts'
import { machineError } from '../host/data-dir.ts'
import { replaceFile, syncFolder } from '../replace-file.ts'

/** Whether a folder holds anything. The host makes an empty one beforehand; that is no identity. */
export async function isFilled(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw machineError(error) ?? error
  }
}

/**
 * Makes `folder` appear with all of its files at once: a crash leaves either nothing or a complete identity.
 * @param write fills the folder it is given
 */
export async function createFolder(folder: string, write: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${folder}.new`
  try {
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft, { mode: 0o700 })
    await write(draft)
    syncFolder(draft)
    await rmdir(folder).catch(error => {
      if (error.code !== 'ENOENT') throw error
    })
    await rename(draft, folder)
    syncFolder(dirname(folder))
  } catch (error) {
    throw machineError(error) ?? error
  }
}

/** Takes group and others their rights, should a copy or restore have given them some. */
export async function makePrivate(path: string, mode: number): Promise<void> {
  try {
    if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, mode)
  } catch (error) {
    throw machineError(error) ?? error
  }
}

/** @throws OpenPactError DISK_FULL, DATA_DIR_UNUSABLE */
export function writeSecret(path: string, value: object): void {
  try {
    replaceFile(path, `${JSON.stringify(value, null, 2)}\n`)
  } catch (error) {
    throw machineError(error) ?? error
  }
}

/** @throws OpenPactError IDENTITY_UNREADABLE; `name` is what the message calls the file */
export async function readSecret(path: string, name: string): Promise<Record<string, unknown>> {
  try {
    await makePrivate(path, 0o600)
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (error) {
    throw unreadable(name, error)
  }
  throw unreadable(name)
}

export async function deleteSecret(path: string): Promise<void> {
  try {
    await unlink(path)
    syncFolder(dirname(path))
  } catch (error) {
    throw machineError(error) ?? error
  }
}

/** Names in `folder/*.json`. Anything else in there (editors' copies, drafts) is left alone. */
export async function listSecrets(folder: string): Promise<string[]> {
  try {
    const files = await readdir(folder)
    return files.filter(file => file.endsWith('.json')).map(file => file.slice(0, -'.json'.length))
  } catch (error) {
    throw unreadable('agents/', error)
  }
}

export function unreadable(name: string, cause?: unknown): OpenPactError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const what = code === 'ENOENT' ? 'is missing' : code === undefined ? 'is damaged' : `cannot be read (${code})`
  return new OpenPactError('IDENTITY_UNREADABLE', { reason: `identity/${name} ${what}.` }, { cause })
}
