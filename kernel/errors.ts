/**
 * Every coded error of the kernel, in one table. Plugins add theirs with `defineErrors`.
 * A code says what happened, `kind` how a surface should answer (HTTP status, exit code), `help` what to do next.
 */

/** What class of answer an error is. Surfaces map it: HTTP to a status, the command line to an exit code. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'missing'
  | 'conflict'
  | 'too-large'
  | 'unprocessable'
  | 'limited'
  | 'unavailable'
  | 'timeout'
  | 'internal'

export interface ErrorDefinition {
  kind: ErrorKind
  /** One sentence; `{name}` is replaced by the detail of that name. */
  message: string
  /** What the reader can do about it. */
  help: string
}

const table = new Map<string, ErrorDefinition>()

/** Adds codes to the table. Codes are UPPER_SNAKE. Defining a code again with other words is a programming error. */
export function defineErrors<T extends Record<string, ErrorDefinition>>(definitions: T): T {
  for (const [code, definition] of Object.entries(definitions)) {
    const known = table.get(code)
    if (known && JSON.stringify(known) !== JSON.stringify(definition))
      throw new Error(`error code ${code} defined twice`)
    table.set(code, definition)
  }
  return definitions
}

/** The definition behind a code, or undefined. */
export function errorDefinition(code: string): ErrorDefinition | undefined {
  return table.get(code)
}

/** All codes, sorted: for documents and conformance tests. */
export function errorCodes(): string[] {
  return [...table.keys()].sort()
}

/** Codes of ledger verdicts are kebab-case because they are hashed; codes of errors are UPPER_SNAKE. One maps to the other. */
export function verdictToCode(verdict: string): string {
  return verdict.replaceAll('-', '_').toUpperCase()
}

const brand = Symbol.for('openpact.error')

/** The one error that crosses OpenPact's borders. Never carries a stack trace or a path of this machine in its message. */
export class OpenPactError extends Error {
  readonly code: string
  readonly kind: ErrorKind
  readonly help: string
  readonly details: Record<string, unknown>
  readonly [brand] = true

  constructor(
    code: string,
    details: Record<string, unknown> = {},
    options: { cause?: unknown; message?: string } = {},
  ) {
    const definition = table.get(code)
    const template = options.message ?? definition?.message ?? code
    super(fill(template, details), { cause: options.cause })
    this.name = 'OpenPactError'
    this.code = code
    this.kind = definition?.kind ?? 'internal'
    this.help = fill(definition?.help ?? '', details)
    this.details = details
  }
}

/** True for an OpenPactError of any loaded copy of the kernel. */
export function isOpenPactError(error: unknown): error is OpenPactError {
  return typeof error === 'object' && error !== null && brand in error
}

function fill(template: string, details: Record<string, unknown>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in details ? String(details[name]) : whole))
}

/** The kernel's own codes. */
export const kernelErrors = defineErrors({
  // input
  INVALID_INPUT: {
    kind: 'invalid',
    message: 'The input is not valid: {reason}',
    help: 'Correct the named field and try again.',
  },
  PAYLOAD_TOO_LARGE: {
    kind: 'too-large',
    message: 'The payload has {size} bytes; the limit is {limit}.',
    help: 'Split the content over several entries or store it elsewhere and refer to it.',
  },
  ENTRY_TYPE_UNKNOWN: {
    kind: 'invalid',
    message: 'No loaded plugin owns the entry type "{type}".',
    help: 'Install the plugin that owns it; `openpact plugins` lists what is loaded.',
  },
  PAYLOAD_INVALID: {
    kind: 'invalid',
    message: 'The payload of "{type}" is not valid: {reason}',
    help: 'Correct the named field and try again.',
  },
  // pacts
  PACT_UNKNOWN: {
    kind: 'missing',
    message: 'No pact called "{pact}" is on this machine.',
    help: 'Use an alias or id from `openpact list`.{near}',
  },
  PACT_EXISTS: {
    kind: 'conflict',
    message: 'A pact with this id or alias ("{alias}") is already on this machine.',
    help: 'Choose another alias; `openpact list` shows those that are taken.',
  },
  PACT_CLOSED: {
    kind: 'unavailable',
    message: 'The pact "{pact}" is closed.',
    help: 'The daemon is stopping or the pact was left; start the daemon again or join the pact anew.',
  },
  PACT_REOPENING: {
    kind: 'unavailable',
    message: 'The pact "{pact}" is being opened again.',
    help: 'Nothing is lost. Try again in a moment; if it stays so, run `openpact doctor`.',
  },
  PACT_INTERRUPTED: {
    kind: 'unavailable',
    message: 'The pact "{pact}" can be read but not written: {reason}',
    help: '{cure}',
  },
  PACT_KEY_WRONG: {
    kind: 'unavailable',
    message: 'The pact "{pact}" cannot be opened: its encryption key does not fit its data.',
    help: 'Restore pacts/{pact}/pact.json from a backup, or join the pact again with a new invite.',
  },
  PACT_CORRUPT: {
    kind: 'unavailable',
    message: 'The data of pact "{pact}" cannot be opened: {reason}',
    help: 'Move the folder pacts/{pact} aside and join again with a new invite. Where no other member is left, restore a backup into an empty data directory and refound the pact there. Other pacts are not affected.',
  },
  PACT_MOVED: {
    kind: 'unavailable',
    message: 'The data of pact "{pact}" was copied or moved here from another place; two copies would fork its writer.',
    help: 'Start the daemon where the original is. If that is gone for good, or is never started again: `openpact stop`, then `openpact start --moved`.',
  },
  NOT_WRITABLE: {
    kind: 'forbidden',
    message: 'This machine may not write to the pact "{pact}": {reason}',
    help: 'Ask a member for a new invite, or wait until admission is confirmed.',
  },
  MEMBER_REMOVED: {
    kind: 'forbidden',
    message: 'This machine may not write to the pact "{pact}". {words}',
    help: 'What it has stays readable here; `openpact leave {pact}` deletes it. Ask an admin of the pact: a removed identity or a retired device stays out.',
  },
  PACT_UNHEALTHY: {
    kind: 'unavailable',
    message: 'The pact "{pact}" is not healthy: {reason}',
    help: 'Run `openpact doctor`.',
  },
  // ledger
  ENTRY_REFUSED: {
    kind: 'conflict',
    message: 'The entry {id} ({type}) was refused: {verdict}.',
    help: '`openpact entry {id}` shows it with its verdict; correct it and send it again.',
  },
  REPLICATION_STALLED: {
    kind: 'unavailable',
    message: '{reason}',
    help: 'Check that a peer is online and reachable; `openpact status` lists them.',
  },
  // plugin host
  CONFIG_INVALID: {
    kind: 'invalid',
    message: 'The configuration {file} is not valid: {reason}',
    help: 'Correct the file and start again.',
  },
  CONFIG_UNREADABLE: {
    kind: 'invalid',
    message: 'The configuration {file} cannot be read: {reason}',
    help: 'Correct the file or its permissions and start again.',
  },
  PLUGINS_INVALID: {
    kind: 'invalid',
    message: 'The plugins cannot be started:\n{reason}',
    help: 'Correct every line above in the configuration and start again.',
  },
  PLUGIN_FAILED: {
    kind: 'internal',
    message: 'The plugin "{plugin}" failed at {stage}: {reason}',
    help: 'Take it out of the configuration or mark it `optional: true`; report it to its author.',
  },
  PLUGIN_TIMEOUT: {
    kind: 'internal',
    message: 'The plugin "{plugin}" did not finish {stage} within {limit} ms.',
    help: 'Take it out of the configuration or mark it `optional: true`; report it to its author.',
  },
  SERVICE_MISSING: {
    kind: 'internal',
    message: 'Plugin "{plugin}" uses service {service} without requiring it.',
    help: 'Add the service to `requires` of the plugin.',
  },
  HOOK_UNKNOWN: {
    kind: 'internal',
    message: 'There is no hook "{hook}".',
    help: 'The hooks are listed in kernel/hooks.ts.',
  },
  HOOKS_FROZEN: {
    kind: 'internal',
    message: 'Hook "{hook}" can only be tapped during setup.',
    help: 'Tap it in `setup` of the plugin.',
  },
  HOOK_RESERVED: {
    kind: 'internal',
    message: 'Hook "{hook}" cannot be tapped: it decides what the ledger accepts.',
    help: 'Declare `rules` in the plugin; they are active where the charter of a pact says so.',
  },
  // machine
  DATA_DIR_UNUSABLE: {
    kind: 'unavailable',
    message: 'The data directory cannot be used: {reason}',
    help: 'Check that it exists, is yours and can be written, or choose another with --data-dir.',
  },
  DATA_DIR_LOCKED: {
    kind: 'conflict',
    message: 'A daemon (process {pid}) is already running on this data directory.',
    help: 'Stop it with `openpact stop`, or choose another directory with --data-dir.',
  },
  DATA_DIR_NEWER: {
    kind: 'unavailable',
    message: 'The data directory was written by a newer OpenPact (format {found}; this one knows {known}).',
    help: 'Install that version or a newer one.',
  },
  DISK_FULL: {
    kind: 'unavailable',
    message: 'The disk has no room for this; nothing that was acknowledged is lost.',
    help: 'Free some space and try again. What was being written may have been kept: look before you write it a second time, or repeat it with its Idempotency-Key.',
  },
  IDENTITY_UNREADABLE: {
    kind: 'unavailable',
    message: 'The identity cannot be read: {reason}',
    help: 'Restore the folder identity/ of the data directory from a backup or from your 24 words.',
  },
  IDENTITY_EXISTS: {
    kind: 'conflict',
    message: 'This data directory already has an identity.',
    help: 'Choose another directory with --data-dir, or move the folder identity/ away first.',
  },
  AGENT_EXISTS: {
    kind: 'conflict',
    message: 'This machine has an agent called "{agent}" already.',
    help: 'Choose another name; or, if it is the one you mean, make a new token for it: `openpact token issue --agent {agent}`.',
  },
  NETWORK_UNUSABLE: {
    kind: 'unavailable',
    message: 'The network cannot be used: {reason}',
    help: 'Check the address given with --bind and the port, or start without a network: `{"network": false}` in openpact.config.json of the data directory.',
  },
  INTERNAL: {
    kind: 'internal',
    message: 'Something went wrong inside OpenPact.',
    help: 'See the log of the daemon; report it if it happens again.',
  },
  CLOSING: { kind: 'unavailable', message: 'The daemon is stopping.', help: 'Start it again with `openpact start`.' },
})
