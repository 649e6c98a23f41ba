/** Text that is typed as the path of a file. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isOpenPactError, OpenPactError } from '../kernel/errors.ts'

/** Bytes: more than any operation takes, which says its own limit then. */
const LIMIT = 16 * 1024 * 1024

/**
 * What is in a regular file, or on standard input for `-`.
 * @throws OpenPactError FILE_UNUSABLE, FILE_TOO_LARGE, FILE_NOT_TEXT
 */
export function textOf(file: string): string {
  const bytes = bytesOf(file)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new OpenPactError('FILE_NOT_TEXT', { file: file === '-' ? 'standard input' : file }, { cause })
  }
}

function bytesOf(file: string): Buffer {
  if (file === '-') return read(0, 'standard input')
  let fd: number | null = null
  try {
    // Not blocking: to open a pipe that nobody writes to would wait for ever.
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const found = fstatSync(fd)
    if (!found.isFile()) throw new OpenPactError('FILE_UNUSABLE', { file, reason: 'it is no regular file' })
    if (found.size > LIMIT) throw new OpenPactError('FILE_TOO_LARGE', { file, limit: LIMIT })
    return read(fd, file)
  } catch (error) {
    throw unusable(file, error)
  } finally {
    if (fd !== null) closeSync(fd)
  }
}

/** Whole, but not without end: what is read may have no size, or grow. */
function read(fd: number, name: string): Buffer {
  const parts: Buffer[] = []
  try {
    for (let size = 0; ; ) {
      const part = Buffer.allocUnsafe(64 * 1024)
      const length = readSync(fd, part)
      if (length === 0) return Buffer.concat(parts)
      size += length
      if (size > LIMIT) throw new OpenPactError('FILE_TOO_LARGE', { file: name, limit: LIMIT })
      parts.push(part.subarray(0, length))
    }
  } catch (error) {
    throw unusable(name, error)
  }
}

function unusable(file: string, error: unknown): OpenPactError {
  if (isOpenPactError(error)) return error
  const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
  return new OpenPactError('FILE_UNUSABLE', { file, reason }, { cause: error })
}
