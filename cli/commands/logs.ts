/** `openpact logs`: what the daemon wrote into its log, whether or not it runs. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import type { LogLevel } from '../../kernel/host/log.ts'
import type { Session } from '../session.ts'
import { plain } from '../table.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[]
/** Full files that a log keeps. */
const FULL = 4
/** ms between two looks at the file. */
const EVERY = 250

interface LogsFlags {
  follow?: boolean
  lines: string
  level: LogLevel
}

export function logsCommand(program: Command, session: () => Session): void {
  program
    .command('logs')
    .summary('print the log of the daemon')
    .description(
      'Print the newest lines of the log of the daemon. It holds no text of entries. Works while the daemon is down.',
    )
    .option('-f, --follow', 'go on as new lines come, until Ctrl-C')
    .option('-n, --lines <number>', 'how many lines to begin with', '50')
    .addOption(new Option('--level <level>', 'only lines of this level and above').choices(levels).default('info'))
    .action((flags: LogsFlags) => printLogs(session(), flags))
}

async function printLogs(shell: Session, { follow, lines, level }: LogsFlags): Promise<void> {
  const count = Number(lines)
  if (!/^\d{1,9}$/.test(lines))
    throw new OpenPactError('USAGE', { reason: `--lines ${lines} is no number`, hint: 'Try --lines 200.' })
  const { dataDir, logFile } = shell.place
  const wanted = (line: Line) => levels.indexOf(line.level) >= levels.indexOf(level)
  const print = (line: Line | null) => {
    if (line && wanted(line)) shell.write(`${shell.json ? line.text : words(line)}\n`)
  }
  const found = statSync(logFile, { throwIfNoEntry: false })
  // Who follows may wait for the first daemon, in a directory that is there.
  if (!found && !(follow && existsSync(dataDir))) throw new OpenPactError('LOG_NONE', { dataDir })
  const end = found?.size ?? 0
  const shown = newest(logFile, count, wanted, end)
  for (const line of shown) print(line)
  if (shown.length === 0 && !shell.json && !follow) shell.write('Nothing found.\n')
  if (follow) await following(logFile, end, text => print(parsed(text)))
}

/** The last `count` wanted lines, oldest first, over all files of the log; of the one that is written, up to the byte `end`. */
export function newest(file: string, count: number, wanted: (line: Line) => boolean, end?: number): Line[] {
  const found: Line[] = []
  for (let i = 0; i <= FULL && found.length < count; i++) {
    const text = i === 0 ? read(file).subarray(0, end) : read(`${file}.${i}`)
    const lines = text.toString('utf8').split('\n').map(parsed)
    for (const line of lines.reverse()) {
      if (found.length === count) break
      if (line && wanted(line)) found.push(line)
    }
  }
  return found.reverse()
}

/** Prints what is added to the file; goes on with the next one when it is full. */
async function following(file: string, from: number, print: (line: string) => void): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  let [at, rest] = [from, '']
  let fd = open(file)
  const drain = () => {
    if (fd === null) return
    const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - at))
    at += readSync(fd, bytes, 0, bytes.length, at)
    // A line that is still being written waits for its end.
    const lines = (rest + bytes.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) print(line)
  }
  while (!stop.signal.aborted) {
    drain()
    const now = statSync(file, { throwIfNoEntry: false })
    if (now && (fd === null || fstatSync(fd).ino !== now.ino)) {
      drain()
      if (fd !== null) closeSync(fd)
      fd = open(file)
      at = 0
      rest = ''
      continue
    }
    await delay(EVERY, undefined, { signal: stop.signal }).catch(() => {})
  }
  if (fd !== null) closeSync(fd)
}

interface Line {
  text: string
  level: LogLevel
  /** Its other fields as well. */
  fields: Record<string, unknown>
}

/** Null for what is no line of ours. */
function parsed(text: string): Line | null {
  try {
    const fields = JSON.parse(text) as Record<string, unknown>
    const level = levels.find(known => known === fields.level)
    return level ? { text, level, fields } : null
  } catch {
    return null
  }
}

/** `2026-01-31 12:00:00  warn  [tasks] message  field=value` */
function words({ fields: { time, level, plugin, message, ...fields } }: Line): string {
  const told = Object.entries(fields).map(([name, value]) => `${name}=${plain(value)}`)
  const who = plugin === undefined ? '' : `[${plain(plugin)}] `
  const parts = [plain(time).slice(0, 19).replace('T', ' '), plain(level).padEnd(5), who + plain(message), ...told]
  return parts.map(part => plain(part).replace(/\s*\n\s*/g, ' | ')).join('  ')
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.alloc(0)
  }
}

function open(file: string): number | null {
  try {
    return openSync(file, 'r')
  } catch {
    return null
  }
}
