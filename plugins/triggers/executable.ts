/** Finds a program at load, so that what is approved is what is started, whatever happens to PATH later. */
import { accessSync, constants, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

/** `~/src` as an absolute path; anything else unchanged. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

/**
 * The file behind the first word of a command: a path (relative ones from `cwd`), or a name in PATH.
 * @returns the reason in words when there is none that may be started
 */
export function findExecutable(
  word: string,
  cwd: string | null,
  path = process.env.PATH ?? '',
): { file: string } | { fault: string } {
  if (word.includes('/')) {
    const expanded = expandHome(word)
    if (!isAbsolute(expanded) && cwd === null) return { fault: `"${word}" is a relative path and no cwd is given` }
    const file = resolve(cwd ?? '/', expanded)
    const fault = refusal(file)
    return fault === null ? { file } : { fault: `${file} ${fault}` }
  }
  // A relative folder in PATH would depend on where the daemon was started.
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const file = join(folder, word)
    if (refusal(file) === null) return { file }
  }
  return { fault: `no program "${word}" is in PATH` }
}

/** Why a folder cannot be worked in, or null. */
export function folderFault(path: string): string | null {
  if (!isAbsolute(path)) return `cwd "${path}" is not an absolute path`
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? null : `there is no folder ${path}`
}

function refusal(file: string): string | null {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    if (!found?.isFile()) return 'is not there'
    accessSync(file, constants.X_OK)
    return (found.mode & 0o002) === 0 ? null : 'can be written by everyone on this machine'
  } catch {
    return 'may not be run'
  }
}
