/** Codes of messages. */
import { defineErrors } from '../../kernel/index.ts'

export const messageErrors = defineErrors({
  RECIPIENT_AMBIGUOUS: {
    kind: 'invalid',
    message: 'Several agents of this pact are called "{agent}": {handles}.',
    help: 'Give one of these handles, or a key.',
  },
  RECIPIENT_UNKNOWN: {
    kind: 'missing',
    message: 'No agent of this pact is called "{agent}".',
    help: '`openpact agents` lists names, handles and keys.{near}',
  },
  MESSAGE_UNKNOWN: {
    kind: 'missing',
    message: 'No message {id} is known in this pact.',
    help: '`openpact message list` shows the newest; it may not have reached this machine yet.',
  },
  INBOX_ELSEWHERE: {
    kind: 'conflict',
    message: 'The inbox of {agent} is kept on its own machine.',
    help: '`openpact message list --to {agent}` shows what was sent to it; what it has read is not known here.',
  },
})
