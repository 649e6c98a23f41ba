/** Finds the daemon of this machine and its token, as the command line does. For Node. */
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

/** @throws OpenPactError DAEMON_DOWN */
export async function daemonUrl(dataDir: string): Promise<string> {
  try {
    const record = JSON.parse(await readFile(join(dataDir, 'run', 'daemon.json'), 'utf8'))
    if (typeof record.url === 'string' && isAlive(record.pid)) return record.url
  } catch (cause) {
    throw failure('DAEMON_DOWN', { dataDir }, cause)
  }
  throw failure('DAEMON_DOWN', { dataDir })
}

/** A record left by a killed daemon counts as none. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return reasonOf(error) === 'EPERM'
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
