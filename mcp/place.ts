/** Where the daemon of this machine is, by what it leaves in its data directory. */
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
    const { pid, url } = JSON.parse(readFileSync(join(dataDir, 'run', 'daemon.json'), 'utf8')) as {
      pid: number
      url: string
    }
    if (isAlive(pid)) return url
  } catch {
    // No record, or half of one: no daemon.
  }
  throw new BridgeError({
    code: 'DAEMON_DOWN',
    message: `No daemon is running on ${dataDir}.`,
    help: 'Start it with `openpact start`.',
  })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
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
