/** The daemon's log: one JSON line per message. It never holds the text of an entry. */
import { isOpenPactError } from '../errors.ts'
import type { Logger } from '../plugin.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Log extends Logger {
  /** A log whose lines carry the plugin's name. */
  child(plugin: string): Logger
}

export interface LogOptions {
  /** `info` by default. */
  level?: LogLevel
  /** Where every line goes; nowhere by default. */
  streams?: readonly { write(line: string): unknown }[]
}

const ranks: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

export function openLog(options: LogOptions = {}): Log {
  const { level = 'info', streams = [] } = options
  const write = (rank: LogLevel, plugin: string | null, message: string, fields?: object) => {
    if (ranks[rank] < ranks[level]) return
    const head = { time: new Date().toISOString(), level: rank, ...(plugin === null ? {} : { plugin }), message }
    const line = `${JSON.stringify({ ...bounded(fields), ...head })}\n`
    for (const stream of streams) stream.write(line)
  }
  const logger = (plugin: string | null): Logger => ({
    debug: (message, fields) => write('debug', plugin, message, fields),
    info: (message, fields) => write('info', plugin, message, fields),
    warn: (message, fields) => write('warn', plugin, message, fields),
    error: (message, fields) => write('error', plugin, message, fields),
  })
  return { ...logger(null), child: logger }
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
