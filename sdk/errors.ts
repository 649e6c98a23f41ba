/** The one error that the SDK throws: a code to decide by, a sentence, and what to do next. */
import type { ErrorCode as DaemonCode } from './operations.ts'

/** What goes wrong on this side of the wire, in the words of the table below. */
const own = {
  DAEMON_DOWN: ['No daemon is running on {dataDir}.', 'Start it with `openpact start`.'],
  DAEMON_UNREACHABLE: [
    'The daemon at {url} does not answer: {reason}',
    'Start it with `openpact start`, or give the url of the one that runs.',
  ],
  ANSWER_MALFORMED: [
    'What answered at {url} is no OpenPact daemon (status {status}).',
    'Check the url; `openpact status` shows the right one.',
  ],
  TOKEN_UNREADABLE: [
    'The access token in {file} cannot be read: {reason}',
    'Run this as the user who started the daemon, or pass `token`.',
  ],
  HOME_UNKNOWN: ['This user has no home directory.', 'Set OPENPACT_HOME, or pass `dataDir`, or `url` and `token`.'],
  ADDRESS_NEEDED: [
    'A browser cannot look for the daemon.',
    'Pass `url` and `token`; a page that the daemon serves passes `location.origin`.',
  ],
  CALL_TIMEOUT: [
    '{what} had no answer within {timeout} ms.',
    'Give it a longer `timeout`; a write may still have been done: repeat it with the same idempotencyKey.',
  ],
  NO_PACT: [
    'There is no pact on this machine that this token may use.',
    'Create one with `openpact init`, or join one with `openpact join <token>`.',
  ],
  PACT_AMBIGUOUS: ['Several pacts are on this machine: {pacts}.', 'Name one: `client.pact(alias)`.'],
  OPERATION_UNKNOWN: ['There is no operation "{name}".', 'GET /v1/operations lists all.{near}'],
  INPUT_INCOMPLETE: ['{name} needs "{field}" for its path.', 'Pass a text or a number.'],
} as const

/** Codes that the daemon and its own plugins answer with, and those of the SDK. Other plugins bring their own. */
export type ErrorCode = DaemonCode | keyof typeof own

export class OpenPactError<Code extends string = string> extends Error {
  override readonly name = 'OpenPactError'
  readonly code: Code
  /** What to do next. */
  readonly help: string
  /** HTTP status; 0 when it did not come from the daemon. */
  readonly status: number

  constructor(
    { code, message, help, status }: { code: Code; message: string; help: string; status: number },
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.help = help
    this.status = status
  }
}

/** Whether it is an error of OpenPact; with codes, whether it has one of them. */
export function isOpenPactError(error: unknown): error is OpenPactError
export function isOpenPactError<const Code extends ErrorCode>(
  error: unknown,
  ...codes: Code[]
): error is OpenPactError<Code>
export function isOpenPactError(error: unknown, ...codes: string[]): boolean {
  return error instanceof OpenPactError && (codes.length === 0 || codes.includes(error.code))
}

/** An error of the SDK itself. */
export function failure(
  code: keyof typeof own,
  details: Record<string, string | number> = {},
  cause?: unknown,
): OpenPactError {
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? ''))
  const [message, help] = own[code]
  return new OpenPactError({ code, message: fill(message), help: fill(help), status: 0 }, { cause })
}
