/** Starts a daemon as a process of its own and waits until it answers or says why it cannot. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OpenPactError } from '../kernel/errors.ts'
import { makeFolder } from '../kernel/host/data-dir.ts'
import { type Failure, RemoteFailure } from './errors.ts'
import type { DaemonRecord, Place } from './place.ts'
import { configLimit } from './watchdog.ts'

export interface LaunchOptions {
  place: Place
  config?: string
  port?: number
  bootstrap?: string
  bind?: string
  /** Ends with this process. */
  temporary?: boolean
  onprogress?: (text: string) => void
}

/** ms that a daemon that could not start has to end. */
const END_LIMIT = 2_000

/** What a starting daemon tells the process that launched it. */
export type Report =
  | { state: 'starting'; text: string }
  /** It evaluates this file, or none any more: if it ends now, it was for that. */
  | { state: 'configuring'; file: string | null }
  | ({ state: 'ready'; record: DaemonRecord } & Missing)
  | { state: 'failed'; failure: Failure }

/** What a daemon that is ready does without, in words with the cure of each. */
export interface Missing {
  /** Pacts that are here and cannot be opened. */
  notOpen: string[]
  /** Plugins that are configured and not running. */
  notLoaded: string[]
}

export interface Launched extends Missing {
  record: DaemonRecord
  /** Ends the daemon and waits until it is gone. */
  stop(): Promise<void>
}

/** @throws RemoteFailure with the reason why the daemon could not start; OpenPactError DAEMON_FAILED */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const errors = await openErrorFile(options.place)
  const main = fileURLToPath(new URL('./main.js', import.meta.url))
  const child = spawn(process.execPath, [main, ...launchArguments(options)], {
    detached: !options.temporary,
    stdio: ['ignore', 'ignore', errors ?? 'ignore', 'ipc'],
  })
  if (errors !== null) closeSync(errors)
  const ended = new Promise<number | null>(resolve => {
    child.once('exit', resolve)
  })
  const { record, notOpen, notLoaded } = await ready(child, ended, options).catch(async (error: unknown) => {
    // It says why and ends; one that does not end is not left behind.
    const hard = setTimeout(() => child.kill('SIGKILL'), END_LIMIT)
    await ended
    clearTimeout(hard)
    throw error
  })
  if (!options.temporary) {
    child.disconnect()
    child.unref()
  }
  return {
    record,
    notOpen,
    notLoaded,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function launchArguments(options: LaunchOptions): string[] {
  const args = ['start', '--foreground', '--data-dir', options.place.dataDir]
  if (options.config !== undefined) args.push('--config', options.config)
  if (options.port !== undefined) args.push('--port', String(options.port))
  if (options.bootstrap !== undefined) args.push('--bootstrap', options.bootstrap)
  if (options.bind !== undefined) args.push('--bind', options.bind)
  if (options.temporary) args.push('--temporary')
  return args
}

function ready(
  child: ChildProcess,
  ended: Promise<number | null>,
  options: LaunchOptions,
): Promise<Omit<Launched, 'stop'>> {
  const log = options.place.logFile
  let evaluated: string | null = null
  const failed = (code: number | null) =>
    evaluated === null
      ? new OpenPactError('DAEMON_FAILED', { code: code ?? 'none', log })
      : new OpenPactError('CONFIG_HANGS', { file: evaluated, seconds: configLimit / 1000 })
  return new Promise((resolve, reject) => {
    child.on('message', (report: Report) => {
      if (report.state === 'ready') resolve(report)
      else if (report.state === 'failed') reject(new RemoteFailure(report.failure))
      else if (report.state === 'configuring') evaluated = report.file
      else options.onprogress?.(report.text)
    })
    child.once('error', cause => reject(new OpenPactError('DAEMON_FAILED', { code: 'none', log }, { cause })))
    // A report that is still in the pipe is read before the channel closes.
    child.once('disconnect', () => ended.then(code => reject(failed(code))))
  })
}

/** What the runtime itself prints when a daemon dies is kept beside the log. The daemon says why, where it cannot be. */
async function openErrorFile(place: Place): Promise<number | null> {
  const folder = dirname(place.logFile)
  try {
    await makeFolder(folder)
    return openSync(join(folder, 'daemon.err'), 'w', 0o600)
  } catch {
    return null
  }
}
