/** The data directory as a client command sees it: where the daemon is, and how to be let in. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { OpenPactError } from '../kernel/errors.ts'
import { lockHolder } from '../kernel/host/lock-holder.ts'

/** `run/daemon.json`: written by a daemon once it answers, removed when it ends. */
export interface DaemonRecord {
  pid: number
  /** `http://127.0.0.1:<port>` */
  url: string
  /** ms since 1970 */
  started: number
  version: string
  /** Stands with `pid` for this one process: clients that cannot look at the lock know by it whether it still runs. */
  born: string | null
}

export interface Place {
  dataDir: string
  daemonFile: string
  operationsFile: string
  pluginsFile: string
  tokenFile: string
  logFile: string
}

/** `--data-dir`, then OPENPACT_HOME, then `~/.openpact`. */
export function placeOf(dataDir: string | undefined): Place {
  const dir = resolve(dataDir ?? process.env.OPENPACT_HOME ?? join(homedir(), '.openpact'))
  return {
    dataDir: dir,
    daemonFile: join(dir, 'run', 'daemon.json'),
    operationsFile: join(dir, 'run', 'operations.json'),
    pluginsFile: join(dir, 'run', 'plugins.json'),
    tokenFile: join(dir, 'token'),
    logFile: join(dir, 'logs', 'daemon.log'),
  }
}

/**
 * The daemon that serves this directory, or null. A record left by a killed daemon counts as none, also where another process has
 * been given its id since: the daemon is the one that holds the lock.
 * @throws OpenPactError PLACE_FORBIDDEN when it cannot be known, because the directory is somebody else's
 */
export function runningDaemon(place: Place): DaemonRecord | null {
  let record: Partial<DaemonRecord>
  try {
    record = JSON.parse(readFileSync(place.daemonFile, 'utf8'))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code !== 'EACCES' && code !== 'EPERM') return null
    throw new OpenPactError('PLACE_FORBIDDEN', { dataDir: place.dataDir, reason: code }, { cause: error })
  }
  if (typeof record.pid !== 'number' || typeof record.url !== 'string') return null
  return record.pid === lockHolder(place.dataDir) ? (record as DaemonRecord) : null
}

/** Whether a process with this id runs, be it ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** In a container whose first process reaps nobody, an ended process stays in the table for ever. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    return / Z $/.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)( \w ).*$/s, '$1'))
  } catch {
    return false
  }
}

/**
 * The token in OPENPACT_TOKEN, by which a program speaks as its own agent, or else the main one.
 * @throws OpenPactError TOKEN_UNREADABLE, TOKEN_UNUSABLE
 */
export function readToken(place: Place): string {
  const own = process.env.OPENPACT_TOKEN?.trim()
  if (own) return checkedToken(own, 'OPENPACT_TOKEN')
  return checkedToken(tokenFileOf(place), place.tokenFile)
}

/** It goes into a header, which takes neither line ends nor most letters. */
function checkedToken(token: string, source: string): string {
  if (/^[\x21-\x7e]*$/.test(token)) return token
  throw new OpenPactError('TOKEN_UNUSABLE', { source })
}

function tokenFileOf(place: Place): string {
  try {
    return readFileSync(place.tokenFile, 'utf8').trim()
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new OpenPactError('TOKEN_UNREADABLE', { file: place.tokenFile, reason }, { cause: error })
  }
}
