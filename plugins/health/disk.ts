/** Space: how much the data directory takes, and how much is left. */
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding } from '../operations/health.ts'

export interface Space {
  /** Bytes on the disk that the data directory takes. */
  used: number
  /** Bytes that are free for it. */
  free: number
}

/** Less free space than this is advised against, bytes. */
const LOW = 1024 ** 3
/** With less than this no pact can be added and what is there may fail at any moment, bytes. */
const HARDLY = 64 * 1024 ** 2
/** With less than this nothing can be written, bytes. */
const NONE = 1024 ** 2
/** Walking the directory costs some ms per pact. */
const FRESH_MS = 30_000

export class DiskSpace {
  private readonly dir: string
  private last: { at: number; used: Promise<number> } | null = null

  constructor(dir: string) {
    this.dir = dir
  }

  /** What is free is of now; what the directory takes is at most 30 s old. */
  async space(now = Date.now()): Promise<Space> {
    if (!this.last || now - this.last.at > FRESH_MS) this.last = { at: now, used: usage(this.dir) }
    const [{ bavail, bsize }, used] = await Promise.all([statfs(this.dir), this.last.used])
    return { used, free: bavail * bsize }
  }
}

/** Pure, so that it can be asked of a disk that is full. */
export function diskFinding({ used, free }: Space): Finding {
  const about = 'Disk'
  const words = `${size(free)} free; the data directory takes ${size(used)}`
  if (free < NONE) {
    const full = `full: nothing can be written. Free some space: the daemon goes on by itself (the data directory takes ${size(used)})`
    return { level: 'fault', about, words: full }
  }
  if (free < HARDLY) {
    const hardly = `${words}: soon nothing can be written. Free some space: each pact sets about 75 MB aside`
    return { level: 'fault', about, words: hardly }
  }
  if (free < LOW)
    return { level: 'advice', about, words: `${words}; each pact sets about 75 MB aside, so free some space` }
  return { level: 'ok', about, words }
}

export function size(bytes: number): string {
  return bytes < 1024 ** 3 ? `${Math.ceil(bytes / 1024 ** 2)} MiB` : `${(bytes / 1024 ** 3).toFixed(1)} GiB`
}

async function usage(dir: string): Promise<number> {
  let bytes = 0
  for (const item of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
    const path = join(dir, item.name)
    if (item.isDirectory()) bytes += await usage(path)
    // Files come and go while this looks. Blocks and not lengths, as files are set aside before they are filled.
    else if (item.isFile()) bytes += ((await stat(path).catch(() => null))?.blocks ?? 0) * 512
  }
  return bytes
}
