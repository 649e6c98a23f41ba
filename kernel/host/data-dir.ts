/** The data directory: made private, of a known format, and used by one daemon at a time. */
import { chmod, type FileHandle, mkdir, open, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { tryLock } from 'fs-native-extensions'
import { outOfSpace } from '../disk.ts'
import { isOpenPactError, OpenPactError } from '../errors.ts'
import { replaceFile } from '../replace-file.ts'
import { type Migration, migrations } from './migrations.ts'

/** Raised when a newer OpenPact lays the directory out in a way that an older one would damage. */
export const DATA_FORMAT = 1

export interface DataDir {
  readonly path: string
  readonly identity: string
  readonly pacts: string
  readonly run: string
  readonly logs: string
  /** Lets another daemon have it. */
  release(): Promise<void>
}

/**
 * Opens the directory, creating what is missing, and locks it for as long as the process lives or until `release`. One of an older
 * format is brought up to date first, step by step.
 * @throws OpenPactError DATA_DIR_LOCKED (says the process), DATA_DIR_NEWER, DATA_DIR_UNUSABLE, DISK_FULL
 */
export async function openDataDir(path: string, options: DataDirOptions = {}): Promise<DataDir> {
  const { known = DATA_FORMAT, steps = migrations, told = () => {} } = options
  const [identity, pacts, run, logs] = ['identity', 'pacts', 'run', 'logs'].map(name => join(path, name)) as Folders
  try {
    await makeFolder(path)
    const format = await readFormat(path, known)
    // The databases in it hold what private pacts say: nobody else on this machine is to read them.
    if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o700)
    for (const folder of [identity, pacts, run, logs]) await makeFolder(folder)
    const lock = await takeLock(run)
    try {
      if (format === null) replaceFile(join(path, 'format'), `${known}\n`)
      else await migrate(path, format, steps, told)
    } catch (error) {
      await lock.close()
      throw error
    }
    return { path, identity, pacts, run, logs, release: () => lock.close() }
  } catch (error) {
    throw machineError(error) ?? error
  }
}

export interface DataDirOptions {
  /** The format that is wanted, and how to come to it. */
  known?: number
  steps?: readonly Migration[]
  /** Called with words about a step that begins. */
  told?: (doing: string) => void
}

/** Each step is marked as done when it is: one that was cut short is run again, so it must bear that. */
async function migrate(path: string, found: number, steps: readonly Migration[], told: (doing: string) => void) {
  const due = steps.filter(step => step.to > found)
  for (const [i, { to, summary, run }] of due.entries()) {
    told(`Bringing the data directory up to date, ${i + 1} of ${due.length}: ${summary}`)
    await run(path)
    replaceFile(join(path, 'format'), `${to}\n`)
  }
}

type Folders = [string, string, string, string]

/**
 * A fault of the machine as a coded error: DISK_FULL, or DATA_DIR_UNUSABLE for what cannot be read, written or made.
 * Null when `error` is neither.
 */
export function machineError(error: unknown): OpenPactError | null {
  if (isOpenPactError(error)) return error
  const { code } = (error ?? {}) as NodeJS.ErrnoException
  if (outOfSpace(error)) return new OpenPactError('DISK_FULL', {}, { cause: error })
  const reason = code === undefined ? undefined : reasons[code]
  return reason === undefined ? null : new OpenPactError('DATA_DIR_UNUSABLE', { reason }, { cause: error })
}

const reasons: Record<string, string> = {
  ENOENT: 'no folder can be made there.',
  EACCES: 'it is not permitted to read or write there.',
  EPERM: 'it is not permitted to read or write there.',
  EROFS: 'its file system is read-only.',
  ENOTDIR: 'it, or a folder above it, is a file and not a folder.',
  EEXIST: 'it, or a folder in it, is a file and not a folder.',
  EISDIR: 'a file in it is a folder.',
  ELOOP: 'a link in its path leads back to itself.',
  ENAMETOOLONG: 'its path is too long.',
  EMFILE: 'too many files are open.',
  EIO: 'the disk reports an error.',
}

/** Not `mkdir` with `recursive`: on a file system that refuses new folders with ENOENT (/proc) Node tries for ever. */
export async function makeFolder(path: string, above = true): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && above && dirname(path) !== path) {
      await makeFolder(dirname(path))
      await makeFolder(path, false)
    } else if (code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error
  }
}

async function readFormat(path: string, known: number): Promise<number | null> {
  let text: string
  try {
    text = await readFile(join(path, 'format'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  if (!/^\d{1,9}\n?$/.test(text)) {
    throw new OpenPactError('DATA_DIR_UNUSABLE', { reason: 'its file "format" does not hold a number.' })
  }
  const found = Number(text)
  if (found > known) throw new OpenPactError('DATA_DIR_NEWER', { found, known })
  return found
}

/**
 * The lock is the operating system's, on an open file: it ends with the process however that ends, so there is no stale
 * lock to recover and no race of two that recover it. The file beside it only says who holds it.
 */
async function takeLock(run: string): Promise<FileHandle> {
  const holder = join(run, 'lock.pid')
  const handle = await open(join(run, 'lock'), 'a', 0o600)
  try {
    // A daemon that was just killed may need a moment to let go of its files.
    for (let tries = 0; !tryLock(handle.fd); tries++) {
      if (tries === 5) {
        const pid = await readFile(holder, 'utf8').catch(() => 'unknown')
        throw new OpenPactError('DATA_DIR_LOCKED', { pid: pid.trim() })
      }
      await pause(50)
    }
    replaceFile(holder, `${process.pid}\n`)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}
