/** What can go wrong on the command line, how it is said, and with which exit code. */
import { outOfSpace } from '../kernel/disk.ts'
import { defineErrors, type ErrorKind, errorDefinition, isOpenPactError, OpenPactError } from '../kernel/errors.ts'
import { pasteable } from './hints.ts'
import type { Flags } from './session.ts'
import { plain } from './table.ts'

export const cliErrors = defineErrors({
  USAGE: { kind: 'invalid', message: '{reason}', help: '{hint}' },
  DAEMON_DOWN: {
    kind: 'unavailable',
    message: 'No daemon is running on {place}.',
    help: 'Start it with `openpact start`.',
  },
  DAEMON_UNREACHABLE: {
    kind: 'unavailable',
    message: 'The daemon at {url} does not answer: {reason}',
    help: 'Look at {log}, or stop it with `openpact stop` and start it again.',
  },
  DAEMON_HANGS: {
    kind: 'unavailable',
    message: 'The daemon at {url} takes connections and answers nothing; it was asked for {seconds} s.',
    help: 'It is halted, or hangs: look at {log}, end it with `openpact stop` and start it again. Nothing that was acknowledged is lost.',
  },
  DAEMON_FAILED: {
    kind: 'internal',
    message: 'The daemon ended before it was ready (exit code {code}).',
    help: 'Look at {log}; `openpact start --foreground` shows it live.',
  },
  DAEMON_CRASHED: {
    kind: 'internal',
    message: 'The daemon met an unexpected fault and stopped; nothing that was acknowledged is lost.',
    help: 'Start it again with `openpact start`; report the lines above if it happens again.',
  },
  DAEMON_RUNNING: {
    kind: 'conflict',
    message: 'A daemon (process {pid}) is already running at {url}.',
    help: 'Use it, or stop it first with `openpact stop`.',
  },
  STOP_TIMEOUT: {
    kind: 'timeout',
    message: 'The daemon (process {pid}) was killed and has not ended yet.',
    help: 'The system waits for its disk, or for a debugger: look there, and ask again.',
  },
  PLACE_FORBIDDEN: {
    kind: 'forbidden',
    message: 'You may not look into the data directory {dataDir}: {reason}',
    help: 'Run this as the user who started the daemon, or name another directory with --data-dir.',
  },
  NOTHING_REPORTED: {
    kind: 'unavailable',
    message: 'No daemon is running on {dataDir}, and none has reported its plugins yet.',
    help: 'Start it with `openpact start`; the configuration is evaluated by the daemon only.',
  },
  LOG_NONE: {
    kind: 'missing',
    message: 'No daemon has written a log in {dataDir}.',
    help: 'Start one with `openpact start`, or name another directory with --data-dir.',
  },
  CONFIG_HANGS: {
    kind: 'invalid',
    message: 'The configuration {file} was not evaluated within {seconds} s.',
    help: 'Look for what it waits for or repeats without end, correct it and start again.',
  },
  TOKEN_UNREADABLE: {
    kind: 'unauthenticated',
    message: 'The access token in {file} cannot be read: {reason}',
    help: 'Run this as the user who started the daemon, or name the right directory with --data-dir.',
  },
  TOKEN_UNUSABLE: {
    kind: 'unauthenticated',
    message: 'The access token in {source} is not one: it holds spaces, line ends or letters that no token has.',
    help: 'Set OPENPACT_TOKEN to a token as `openpact token issue` printed it, or unset it to use the main one.',
  },
  IDENTITY_NONE: {
    kind: 'missing',
    message: 'There is no identity in {dir} yet.',
    help: '`openpact init` makes one with the first pact.',
  },
  NO_PACT_YET: {
    kind: 'unavailable',
    message: 'This machine is in no pact yet; it waits to be let into "{pact}": {words}.',
    help: 'It goes on by itself; `openpact joins` shows how it stands. What a restored archive holds can be read before: `openpact backup pacts`.',
  },
  NO_PACT: {
    kind: 'missing',
    message: 'There is no pact on this machine yet.',
    help: 'Create one with `openpact init`, or join one with `openpact join <token>`.',
  },
  PACT_UNNAMED: {
    kind: 'conflict',
    message: 'There is a pact on this machine already: {pacts}.',
    help: 'Use it, or name the further one: `openpact init --name <name>`.',
  },
  PACT_AMBIGUOUS: {
    kind: 'invalid',
    message: 'Several pacts are on this machine: {pacts}.',
    help: 'Name one with --pact, or choose one for good with `openpact switch <alias>`.',
  },
  PORT_INVALID: {
    kind: 'invalid',
    message: '{value} is not a port.',
    help: 'Use a number from 0 to 65535; 0 picks a free one.',
  },
  BOOTSTRAP_INVALID: {
    kind: 'invalid',
    message: '"{value}" is not a bootstrap address.',
    help: 'Use host:port, several separated by commas, e.g. --bootstrap 127.0.0.1:49737',
  },
  BIND_UNKNOWN: {
    kind: 'invalid',
    message: '"{address}" is no address of this machine; it has {own}.',
    help: 'Give one of these with --bind or as `network.bind` in openpact.config; without any, all of them are used.',
  },
  FILE_UNUSABLE: {
    kind: 'invalid',
    message: '{file} cannot be read: {reason}.',
    help: 'Name a text file, or - for standard input.',
  },
  FILE_TOO_LARGE: {
    kind: 'too-large',
    message: '{file} has more than {limit} bytes.',
    help: 'Name a smaller text file.',
  },
  FILE_NOT_TEXT: {
    kind: 'unprocessable',
    message: '{file} is not UTF-8 text; sent as text it would be another than it is.',
    help: 'Convert it to UTF-8 first, e.g. with `iconv -t UTF-8`; what is no text cannot be sent.',
  },
  SERVICE_UNSUPPORTED: {
    kind: 'unavailable',
    message: 'OpenPact cannot install itself as a service on {platform}.',
    help: 'Services are made for systemd (Linux) and launchd (macOS); elsewhere let your own service manager run `openpact start --foreground`.',
  },
  SERVICE_MANAGER_MISSING: {
    kind: 'unavailable',
    message: 'The service manager of this user cannot be reached: `{command}` said: {reason}',
    help: 'Log in as this user in a session of its own (not by su or sudo), or run `openpact start` without a service; `--dry-run` prints the service.',
  },
  SERVICE_TRANSIENT: {
    kind: 'conflict',
    message: 'This copy of OpenPact lies in the cache of npx, from where it may vanish at any time.',
    help: 'Install it with `npm install --global openpact`, then run `openpact service install`.',
  },
  SERVICE_NOT_INSTALLED: {
    kind: 'missing',
    message: 'There is no service at {path}.',
    help: 'Install it with `openpact service install`.',
  },
  SERVICE_FAILED: {
    kind: 'internal',
    message: '`{command}` failed: {reason}',
    help: 'Look with `openpact service status` and `openpact service logs`, correct it and repeat the command.',
  },
  STREAM_ENDED: {
    kind: 'unavailable',
    message: 'The daemon ended the stream.',
    help: 'It was stopped or is busy; look with `openpact status` and follow again.',
  },
  INTERRUPTED: { kind: 'unavailable', message: 'Interrupted.', help: 'Nothing that was acknowledged is lost.' },
})

/** A failure as people and programs see it: whether it came from this process or over HTTP. */
export interface Failure {
  code: string
  kind: ErrorKind
  message: string
  help: string
}

const exitCodes: Record<ErrorKind, number> = {
  internal: 1,
  invalid: 2,
  unprocessable: 2,
  'too-large': 2,
  unauthenticated: 3,
  forbidden: 3,
  missing: 4,
  conflict: 5,
  limited: 6,
  unavailable: 7,
  timeout: 8,
}

/** Exit code of a kind of failure; the table is in the README of cli/. */
export function exitCode(kind: ErrorKind): number {
  return exitCodes[kind]
}

/** A failure that the daemon answered: its code may be one that this process has never loaded. */
export class RemoteFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/** Any thrown value as a failure; an uncoded one becomes INTERNAL and keeps its words out of the answer. */
export function asFailure(error: unknown): Failure {
  if (error instanceof RemoteFailure) return error.failure
  if (isOpenPactError(error)) return { code: error.code, kind: error.kind, message: error.message, help: error.help }
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (outOfSpace(error)) return asFailure(new OpenPactError('DISK_FULL'))
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return asFailure(new OpenPactError('DATA_DIR_UNUSABLE', { reason: `permission denied (${code})` }))
  }
  return asFailure(new OpenPactError('INTERNAL'))
}

/** Kind of a failure that came over HTTP: by its code if known here, else by the status. */
export function kindOf(code: string, status: number): ErrorKind {
  const known = errorDefinition(code)
  if (known) return known.kind
  const byStatus: Record<number, ErrorKind> = {
    400: 'invalid',
    401: 'unauthenticated',
    403: 'forbidden',
    404: 'missing',
    408: 'timeout',
    409: 'conflict',
    413: 'too-large',
    422: 'unprocessable',
    429: 'limited',
    503: 'unavailable',
    504: 'timeout',
  }
  return byStatus[status] ?? 'internal'
}

/** What happened and what to do, as sentences on one line: a reason from elsewhere may end without a full stop. */
export function failureWords({ message, help }: Pick<Failure, 'message' | 'help'>): string {
  return help ? `${message}${/[.!?:]$/.test(message) ? '' : '.'} ${help}` : message
}

/** Two lines for people, one JSON object for programs. */
export function renderFailure(failure: Failure, flags: Pick<Flags, 'dataDir' | 'pact' | 'json'>): string {
  const { code } = failure
  const [message = '', help = ''] = [failure.message, failure.help].map(text => pasteable(text, flags))
  if (flags.json) return `${JSON.stringify({ error: code, message, help })}\n`
  // What was typed is quoted in it, and may have been pasted from anywhere.
  return plain(help ? `openpact: ${message} [${code}]\n  ${help}\n` : `openpact: ${message} [${code}]\n`)
}
