/** Who uses a data directory, asked from outside. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'

/**
 * Id of the process that holds the lock of a data directory, or null when none does. A process id alone proves nothing: the one that
 * was written down may be gone, and another process may have its number.
 */
export function lockHolder(dataDir: string): number | null {
  const run = join(dataDir, 'run')
  try {
    const fd = openSync(join(run, 'lock'), 'r')
    try {
      // Shared, so that two who ask do not take each other for the holder; given back at once, and a daemon that begins tries again.
      if (tryLock(fd, { shared: true })) return null
      return Number.parseInt(readFileSync(join(run, 'lock.pid'), 'utf8'), 10) || null
    } finally {
      closeSync(fd)
    }
  } catch {
    return null
  }
}
