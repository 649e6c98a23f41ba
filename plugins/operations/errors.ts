/** Error codes of the operations plugin. */
import { defineErrors } from '../../kernel/index.ts'

export const operationErrors = defineErrors({
  OPERATION_UNKNOWN: {
    kind: 'missing',
    message: 'There is no operation "{name}".',
    help: 'GET /v1/operations lists all.{near}',
  },
  OPERATIONS_INVALID: {
    kind: 'internal',
    message: 'Some operations are declared wrongly:\n{reason}',
    help: 'Correct the named plugin, or take it out of the configuration.',
  },
  OPERATION_MISDECLARED: {
    kind: 'internal',
    message: 'The {part} schema of operation "{name}" (plugin {plugin}) cannot be used: {reason}',
    help: 'Report it to the author of the plugin.',
  },
  OUTPUT_INVALID: {
    kind: 'internal',
    message: 'Operation "{name}" (plugin {plugin}) answered something else than it declares: {reason}',
    help: 'Report it to the author of the plugin.',
  },
  IDEMPOTENCY_KEY_INVALID: {
    kind: 'invalid',
    message: 'The Idempotency-Key is not usable.',
    help: 'Send 1 to 255 printable ASCII characters, for example a UUID.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: 'unprocessable',
    message: 'This Idempotency-Key was used before with another request.',
    help: 'Use a new key for each new request; repeat a key only with exactly the same request.',
  },
  IDEMPOTENCY_KEY_RUNNING: {
    kind: 'conflict',
    message: 'A request with this Idempotency-Key is still running.',
    help: 'Wait a moment and send the same request again.',
  },
  AGENT_NOT_FOUND: {
    kind: 'missing',
    message: 'No agent of this pact is called "{agent}".',
    help: 'Give a name, handle or key from `openpact agents`.{near}',
  },
  AGENT_AMBIGUOUS: {
    kind: 'invalid',
    message: 'Several agents of this pact are called "{agent}": {handles}.',
    help: 'Give one of these handles, or a key.',
  },
  CALL_ABORTED: {
    kind: 'unavailable',
    message: 'The call was given up before it had an answer.',
    help: 'Send it again; with the same Idempotency-Key nothing is written twice.',
  },
})
