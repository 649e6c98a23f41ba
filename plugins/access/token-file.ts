/** The file `token` in the data directory: the main token of this machine, readable by its owner only. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { OpenPactError, outOfSpace } from '../../kernel/index.ts'
import './errors.ts'

/** A new secret: 256 random bits after a prefix by which scanners for leaked secrets can know it. */
export function newToken(): string {
  return `openpact_${randomBytes(32).toString('base64url')}`
}

/**
 * The token in the file; makes one when there is no file. Rights wider than 0600 are narrowed.
 * @throws OpenPactError TOKEN_FILE_UNUSABLE
 */
export function readOrMakeToken(file: string): string {
  try {
    const found = lstatSync(file, { throwIfNoEntry: false })
    if (!found) return writeToken(file, newToken())
    if (!found.isFile()) throw new OpenPactError('TOKEN_FILE_UNUSABLE', { reason: 'it is not a plain file.' })
    if ((found.mode & 0o077) !== 0) chmodSync(file, 0o600)
    const token = readFileSync(file, 'utf8').trim()
    if (/^[\x21-\x7e]{32,512}$/.test(token)) return token
    throw new OpenPactError('TOKEN_FILE_UNUSABLE', { reason: 'it holds no token of 32 or more characters.' })
  } catch (error) {
    throw unusable(error)
  }
}

/** Replaces the file as a whole, so that no reader sees half a token. @throws OpenPactError TOKEN_FILE_UNUSABLE */
export function writeToken(file: string, token: string): string {
  const draft = join(dirname(file), `.token-${randomBytes(6).toString('hex')}`)
  try {
    const handle = openSync(draft, 'wx', 0o600)
    try {
      writeSync(handle, `${token}\n`)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(draft, file)
    return token
  } catch (error) {
    rmSync(draft, { force: true })
    throw unusable(error)
  }
}

function unusable(error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return error
  if (outOfSpace(error)) return new OpenPactError('DISK_FULL', {}, { cause: error })
  return new OpenPactError('TOKEN_FILE_UNUSABLE', { reason: `${error.code}.` }, { cause: error })
}
