/** Finds the daemon of this machine and its token, as the command line does. For Node. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { failure } from './errors.ts'
import type { Address } from './transport.ts'

/** `dataDir`, then OPENPACT_HOME, then `~/.openpact`. @throws OpenPactError HOME_UNKNOWN */
export function dataDirOf(dataDir: string | undefined): string {
  const named = dataDir ?? process.env.OPENPACT_HOME
  if (named) return resolve(named)
  try {
    return join(homedir(), '.openpact')
  } catch (cause) {
    throw failure('HOME_UNKNOWN', {}, cause)
  }
}

/**
 * Where the daemon of a data directory is now, and how to be let in: by OPENPACT_TOKEN where an agent was given a token of its own, else by
 * the file `token`.
 * @throws OpenPactError DAEMON_DOWN, TOKEN_UNREADABLE
 */
export async function localDaemon(dataDir: string): Promise<Address> {
  const url = await daemonUrl(dataDir)
  const own = process.env.OPENPACT_TOKEN?.trim()
  if (own) return { url, token: own }
  const file = join(dataDir, 'token')
  try {
    return { url, token: (await readFile(file, 'utf8')).trim() }
  } catch (cause) {
    throw failure('TOKEN_UNREADABLE', { file, reason: reasonOf(cause) }, cause)
  }
}

/**
 * The token is sent to what listens here, so the record of a killed daemon must not be followed to whoever has its port by now.
 * @throws OpenPactError DAEMON_DOWN
 */
export async function daemonUrl(dataDir: string): Promise<string> {
  try {
    const record = JSON.parse(await readFile(join(dataDir, 'run', 'daemon.json'), 'utf8'))
    if (typeof record.born === 'string' && bornOf(record.pid) === record.born) return record.url
  } catch (cause) {
    throw failure('DAEMON_DOWN', { dataDir }, cause)
  }
  throw failure('DAEMON_DOWN', { dataDir })
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

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
