/** The daemon's log: one JSON line per message. It never holds the text of an entry. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { isOpenPactError } from '../errors.ts'
import type { Logger } from '../plugin.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Log extends Logger {
  /** A log whose lines carry the plugin's name. */
  child(plugin: string): Logger
  close(): void
}

export interface LogOptions {
  /** `info` by default. */
  level?: LogLevel
  /** Written to as well as or instead of a file. */
  stream?: { write(line: string): unknown }
  /** Appended to; moved to `<file>.1` … when it is full. */
  file?: string
  /** Bytes of a full file; 5 MiB. */
  size?: number
  /** Full files that are kept beside the one that is written; 4. */
  keep?: number
}

const ranks: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Opens a log. A line that cannot be written (disk full) is dropped: the daemon goes on. */
export function openLog(options: LogOptions = {}): Log {
  const { level = 'info', stream, size = 5 * 1024 * 1024, keep = 4 } = options
  const file = options.file === undefined ? null : new RotatingFile(options.file, size, keep)

  const write = (rank: LogLevel, plugin: string | null, message: string, fields?: object) => {
    if (ranks[rank] < ranks[level]) return
    const head = { time: new Date().toISOString(), level: rank, ...(plugin === null ? {} : { plugin }), message }
    const line = `${JSON.stringify({ ...bounded(fields), ...head })}\n`
    stream?.write(line)
    file?.write(line)
  }
  const logger = (plugin: string | null): Logger => ({
    debug: (message, fields) => write('debug', plugin, message, fields),
    info: (message, fields) => write('info', plugin, message, fields),
    warn: (message, fields) => write('warn', plugin, message, fields),
    error: (message, fields) => write('error', plugin, message, fields),
  })
  return { ...logger(null), child: logger, close: () => file?.close() }
}

/** Only small scalars are logged, so that nobody logs an entry by handing over an object that holds one. */
function bounded(fields: object = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, scalar(value)]))
}

function scalar(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, 1000)
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, 32)).toString('hex')
  if (value instanceof Error) return described(value)
  if (Array.isArray(value))
    return value.slice(0, 20).map(v => (typeof v === 'object' && v !== null ? '[object]' : scalar(v)))
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) return `[${typeof value}]`
  return value
}

function described(error: Error): object {
  const cause = error.cause instanceof Error ? { cause: described(error.cause) } : {}
  if (isOpenPactError(error)) {
    const { code, message, help } = error
    return { code, message: message.slice(0, 1000), help: help.slice(0, 1000), ...cause }
  }
  // Parsers quote what they could not read, which may be what somebody wrote: only where it happened is kept.
  if (error instanceof SyntaxError) {
    const stack = error.stack?.slice(Math.max(0, error.stack.indexOf('\n    at ')))
    return { message: 'SyntaxError', stack: stack?.slice(0, 4000), ...cause }
  }
  return { message: error.message.slice(0, 1000), stack: error.stack?.slice(0, 4000), ...cause }
}

class RotatingFile {
  readonly #path: string
  readonly #size: number
  readonly #keep: number
  #fd: number | null = null
  #written = 0

  constructor(path: string, size: number, keep: number) {
    this.#path = path
    this.#size = size
    this.#keep = keep
  }

  write(line: string): void {
    try {
      this.#fd ??= this.#open()
      if (this.#written > 0 && this.#written + line.length > this.#size) this.#rotate()
      this.#written += writeSync(this.#fd!, line)
    } catch {
      // There is nowhere left to say it; the next line tries again.
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }

  #open(): number {
    const fd = openSync(this.#path, 'a', 0o600)
    this.#written = fstatSync(fd).size
    return fd
  }

  #rotate(): void {
    this.close()
    for (let i = this.#keep - 1; i >= 0; i--) {
      try {
        renameSync(i === 0 ? this.#path : `${this.#path}.${i}`, `${this.#path}.${i + 1}`)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
    this.#fd = this.#open()
  }
}
