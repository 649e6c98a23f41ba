/** Whether a failure comes from a disk that has no room left. */
import { statfs } from 'node:fs/promises'

/** Bytes under which RocksDB can no longer write. */
const NEEDED = 1024 * 1024
/** Of its primary codes. */
const SQLITE_FULL = 13
/** Causes that are followed. */
const DEPTH = 5

/** True when the error, or what caused it, says so: the system's code, SQLite's, or the words of RocksDB, which has no codes. */
export function outOfSpace(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < DEPTH; at = at.cause, depth++) {
    const { code, errcode, message } = at as NodeJS.ErrnoException & { errcode?: number }
    if (code === 'ENOSPC' || code === 'EDQUOT' || ((errcode ?? 0) & 0xff) === SQLITE_FULL) return true
    if (/no space left on device/i.test(message)) return true
  }
  return false
}

/** The same of a failure in a folder; where its error says nothing of the disk, hardly any room left there decides. */
export async function isDiskFull(folder: string, error?: unknown): Promise<boolean> {
  if (outOfSpace(error)) return true
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize < NEEDED
  } catch {
    return false
  }
}
