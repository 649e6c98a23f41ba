/** Whether a failure of a store comes from the disk. */
import { statfs } from 'node:fs/promises'

/** Bytes under which RocksDB can no longer write. */
const NEEDED = 1024 * 1024

/** True when hardly anything can be written to the folder's disk any more. */
export async function isDiskFull(folder: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize < NEEDED
  } catch {
    return false
  }
}
