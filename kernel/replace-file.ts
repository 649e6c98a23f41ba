/** Small files that are replaced whole: a reader, and the next start after a power loss, finds the old content or the new. */
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** On the disk when it returns; for this user alone unless `mode` says otherwise. */
export function replaceFile(path: string, content: string, mode = 0o600): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, content, { mode, flush: true })
  // One that an earlier process left there keeps its own mode.
  chmodSync(fresh, mode)
  renameSync(fresh, path)
  syncFolder(dirname(path))
}

/** What was made, renamed or deleted in a folder survives a power loss only when the folder is flushed too; not every platform can. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
