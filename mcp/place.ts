/** Where the daemon of this machine is, by what it leaves in its data directory. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Target } from './link.ts'
import { BridgeError } from './messages.ts'

/** @throws BridgeError DAEMON_DOWN, TOKEN_UNREADABLE */
export function localDaemon(dataDir = process.env.OPENPACT_HOME ?? join(homedir(), '.openpact')): Target {
  return { url: recordedUrl(dataDir), token: process.env.OPENPACT_TOKEN?.trim() || tokenIn(join(dataDir, 'token')) }
}

function recordedUrl(dataDir: string): string {
  try {
    const { pid, url, born } = JSON.parse(readFileSync(join(dataDir, 'run', 'daemon.json'), 'utf8')) as {
      pid: number
      url: string
      born: string
    }
    // The token is sent there: not to whoever has the port of a killed daemon by now.
    if (typeof born === 'string' && bornOf(pid) === born) return url
  } catch {
    // No record, or half of one: no daemon.
  }
  throw new BridgeError({
    code: 'DAEMON_DOWN',
    message: `No daemon is running on ${dataDir}.`,
    help: 'Start it with `openpact start`.',
  })
}

/** Stands with a number for one process, as the daemon wrote it of itself; null when there is none, or it has ended. */
function bornOf(pid: number): string | null {
  try {
    if (process.platform !== 'linux') {
      const env = { LC_ALL: 'C', TZ: 'UTC' }
      const text = execFileSync('ps', ['-p', String(pid), '-o', 'stat=', '-o', 'lstart='], { encoding: 'utf8', env })
      const [state, ...born] = text.trim().split(/\s+/)
      return state?.startsWith('Z') ? null : born.join(' ')
    }
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name of the program stands in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return /[ZX]/.test(fields[0]!) ? null : `${boot} ${fields[19]}`
  } catch {
    return null
  }
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new BridgeError({
      code: 'TOKEN_UNREADABLE',
      message: `The access token in ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`,
      help: 'Run this as the user who started the daemon, or put a token of your own into OPENPACT_TOKEN.',
    })
  }
}
