/** Runs one program in a process group of its own, with a limit of time, and sees to it that nothing of it is left, in its group or out of it. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { bornOf, endGroup, endMarked, groupRuns } from './processes.ts'

/** A log is cut off there. Bytes */
export const LOG_BYTES = 1024 * 1024

/** When the daemon stops it has less time itself. */
const STOP_GRACE_MS = 1500
/** How long the last words of a run are waited for when somebody outside its group holds its pipes. ms */
const DRAIN_MS = 250

export interface Launch {
  executable: string
  argv: readonly string[]
  cwd: string
  env: Record<string, string>
  /** Variables (`NAME=value`) of `env` that no other run has: by them it is found what left the group. */
  marks: readonly string[]
  /** Written to its standard input, which then ends. */
  input: string | null
  /** Takes what it says; there is none yet. */
  logFile: string
  /** ms */
  timeout: number
  /** ms between TERM and KILL. */
  grace: number
  /** Ends the run when it is aborted. */
  signal: AbortSignal
  /** Called before anything can go wrong with it. */
  onstart(pid: number, born: string): void
}

export interface Ended {
  how: 'ended' | 'timeout' | 'stopped' | 'not-started'
  /** Null when a signal ended it, or it never began. */
  code: number | null
  signal: string | null
  /** Why it did not start. */
  error?: string
}

/** Resolves when the whole group is gone. Never rejects. */
export async function supervise(launch: Launch): Promise<Ended> {
  const { executable, argv, cwd, env, marks, input, timeout, grace, signal, onstart } = launch
  const log = new BoundedLog(launch.logFile)
  try {
    // A path and a list of words: there is no shell in between, whatever the words hold.
    const child = spawn(executable, argv.slice(1), {
      cwd,
      env,
      argv0: argv[0],
      detached: true,
      shell: false,
      stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    const exit = new Promise<Ended>(resolve => {
      child.once('error', error => resolve({ how: 'not-started', code: null, signal: null, error: error.message }))
      child.once('exit', (code, by) => resolve({ how: 'ended', code, signal: by }))
    })
    const closed = new Promise(resolve => {
      child.once('close', resolve)
    })
    const { pid } = child
    if (pid === undefined) return await exit
    onstart(pid, bornOf(pid) ?? '')
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => log.write(data))
    // It need not read what it is given.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)

    const cause = await interrupted(exit, timeout, signal)
    const patience = cause === 'stopped' ? Math.min(grace, STOP_GRACE_MS) : grace
    if (cause !== null) await endGroup(pid, patience)
    const ended = await exit
    // What it left behind ends with it.
    if (groupRuns(pid)) await endGroup(pid, patience)
    await endMarked(marks, patience)
    // The rest of what it said has arrived when its pipes end; who left the group may hold them open for ever.
    await Promise.race([closed, pause(DRAIN_MS, undefined, { ref: false })])
    child.stdout?.destroy()
    child.stderr?.destroy()
    return cause === null ? ended : { ...ended, how: cause }
  } catch (error) {
    return {
      how: 'not-started',
      code: null,
      signal: null,
      error: error instanceof Error ? error.message : String(error),
    }
  } finally {
    log.close()
  }
}

/** Null when it ended by itself. */
async function interrupted(
  exit: Promise<Ended>,
  timeout: number,
  signal: AbortSignal,
): Promise<'timeout' | 'stopped' | null> {
  const done = new AbortController()
  const outside = new Promise<'timeout' | 'stopped'>(resolve => {
    const timer = setTimeout(resolve, timeout, 'timeout')
    const stop = () => resolve('stopped')
    signal.addEventListener('abort', stop, { once: true })
    done.signal.addEventListener('abort', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    })
    if (signal.aborted) stop()
  })
  try {
    return await Promise.race([exit.then(() => null), outside])
  } finally {
    done.abort()
  }
}

/** A log that cannot be written, or not on, is no reason to end a run, and none to end the daemon. */
class BoundedLog {
  #file: number | null = null
  #left = 0

  constructor(path: string) {
    try {
      this.#file = openSync(path, 'a', 0o600)
      this.#left = LOG_BYTES
    } catch {
      // Without a log then.
    }
  }

  /** What is over the bound is read and dropped, so that the program is not held up. */
  write(data: Buffer): void {
    if (this.#file === null || this.#left <= 0) return
    try {
      writeSync(this.#file, data.subarray(0, this.#left))
      this.#left -= data.length
      if (this.#left <= 0) writeSync(this.#file, '\n[cut off here]\n')
    } catch {
      this.#left = 0
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file)
  }
}
