/** Finds a program at load and again at each start, so that what is approved is what is started, whatever links and PATH say later. */
import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'

/** What is started and where, with all links followed. */
export interface Place {
  /** Null when there is none that may be started. */
  executable: string | null
  /** Null for an empty private folder. */
  cwd: string | null
  /** Why nothing can be started, in words, or null. */
  fault: string | null
}

/** `~/src` as an absolute path; anything else unchanged. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

/**
 * Where a command starts and the file behind its first word: a path (relative ones from `folder`), or a name in PATH.
 * @param folder as the file names it, or null
 */
export function findPlace(word: string, folder: string | null, path = process.env.PATH ?? ''): Place {
  const fault = folder === null ? null : folderFault(folder)
  if (fault !== null) return { executable: null, cwd: folder, fault }
  const cwd = folder === null ? null : realpathSync(folder)
  const found = findFile(word, cwd, path)
  return 'file' in found ? { executable: found.file, cwd, fault: null } : { executable: null, cwd, fault: found.fault }
}

/** Why what was found at load may not be started any more, or null. */
export function movedReason(word: string, folder: string | null, found: Omit<Place, 'fault'>): string | null {
  const now = findPlace(word, folder)
  if (now.fault !== null) return now.fault
  if (now.cwd !== found.cwd) return `${folder} leads to ${now.cwd} now, and led to ${found.cwd}`
  return now.executable === found.executable
    ? null
    : `"${word}" leads to ${now.executable} now, and led to ${found.executable}`
}

function findFile(word: string, cwd: string | null, path: string): { file: string } | { fault: string } {
  if (word.includes('/')) {
    const expanded = expandHome(word)
    if (!isAbsolute(expanded) && cwd === null) return { fault: `"${word}" is a relative path and no cwd is given` }
    return checked(resolve(cwd ?? '/', expanded))
  }
  // A relative folder in PATH would depend on where the daemon was started.
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const file = join(folder, word)
    // The first one counts, as everywhere: another one of that name further on may be something else.
    if (absence(file) === null) return checked(file)
  }
  return { fault: `no program "${word}" is in PATH` }
}

function folderFault(path: string): string | null {
  if (!isAbsolute(path)) return `cwd "${path}" is not an absolute path`
  try {
    return statSync(path).isDirectory() ? null : `there is no folder ${path}`
  } catch {
    return `there is no folder ${path}`
  }
}

/** The file behind a path, when nobody but its owner can change what it is. */
function checked(path: string): { file: string } | { fault: string } {
  const missing = absence(path)
  if (missing !== null) return { fault: `${path} ${missing}` }
  const file = realpathSync(path)
  const folder = dirname(file)
  const fault = changeable(file, statSync(file)) ?? changeable(folder, statSync(folder))
  return fault === null ? { file } : { fault }
}

function absence(path: string): string | null {
  try {
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return 'is not there'
    accessSync(path, constants.X_OK)
    return null
  } catch {
    return 'may not be run'
  }
}

/** In words, how somebody else than this user and root could put another program there. */
function changeable(path: string, found: Stats): string | null {
  if (found.uid !== 0 && found.uid !== process.getuid?.()) return `${path} belongs to another user`
  // In a sticky folder nobody can replace the files of others.
  const sticky = found.isDirectory() && (found.mode & 0o1000) !== 0
  // Where each user has a group of one, files are made writable by it (umask 002): that is still nobody else.
  const alone = found.gid === found.uid && found.gid === process.getgid?.()
  if (sticky || (found.mode & (alone ? 0o002 : 0o022)) === 0) return null
  return `${path} can be written by others than its owner; \`chmod go-w\` ends that`
}
