/** Codes of invites and of joining. Those that match a verdict of the rule carry its name. */
import { defineErrors } from '../../kernel/index.ts'

export const inviteErrors = defineErrors({
  INVITE_MALFORMED: {
    kind: 'invalid',
    message: 'This is not a whole invite: {reason}',
    help: 'Copy the token again, from its first letter to its last.',
  },
  INVITE_UNKNOWN: {
    kind: 'missing',
    message: 'The pact knows no such invite.',
    help: '`openpact invite list` shows the invites of a pact; if it was made a moment ago, try again shortly.',
  },
  INVITE_SPENT: {
    kind: 'conflict',
    message: 'The invite was used up by somebody else.',
    help: 'Ask a member of the pact for a new one.',
  },
  INVITE_EXPIRED: {
    kind: 'conflict',
    message: 'The invite is over its time.',
    help: 'Ask a member of the pact for a new one.',
  },
  INVITE_REVOKED: {
    kind: 'conflict',
    message: 'The invite was revoked.',
    help: 'Ask a member of the pact for a new one.',
  },
  INVITE_INVALID: {
    kind: 'invalid',
    message: 'The pact refused the invite as malformed.',
    help: 'This machine may run another version of OpenPact than the pact expects; update it.',
  },
  INVITE_EXISTS: {
    kind: 'conflict',
    message: 'An invite with this key is in the pact already.',
    help: 'Make a new one.',
  },
  JOIN_PENDING: {
    kind: 'timeout',
    message: 'Not in the pact yet: {words}',
    help: 'The daemon keeps asking. Look again with `openpact list`, or give the same token again at any time.',
  },
  JOIN_REFUSED: {
    kind: 'forbidden',
    message: 'The pact refused this machine: {reason}',
    help: 'Ask an admin of the pact; a removed identity or a retired device stays out.',
  },
  JOIN_SUPERSEDED: {
    kind: 'conflict',
    message: 'Another token for the same pact was given since.',
    help: '`openpact joins` shows how that one stands.',
  },
  JOIN_CANCELLED: {
    kind: 'conflict',
    message: 'The attempt to join was cancelled.',
    help: 'Give the token again to start anew.',
  },
})
