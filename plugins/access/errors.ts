/** Error codes of the access plugin. */
import { defineErrors } from '../../kernel/index.ts'

export const accessErrors = defineErrors({
  UNAUTHENTICATED: {
    kind: 'unauthenticated',
    message: 'This needs a valid token.',
    help: 'Send the header "Authorization: Bearer <token>" with the content of the file `token` in the data directory.',
  },
  OUT_OF_SCOPE: {
    kind: 'forbidden',
    message: 'This token may not do that: {reason}.',
    help: 'Use a token with wider rights; `openpact token list` shows which there are.',
  },
  TOKEN_UNKNOWN: {
    kind: 'missing',
    message: 'There is no token {id}.',
    help: '`openpact token list` shows the ids of all tokens.{near}',
  },
  TOKEN_IS_MAIN: {
    kind: 'conflict',
    message: 'The token {id} is the main token of this machine and cannot be revoked.',
    help: 'Replace it with `openpact token rotate`.',
  },
  TOKEN_FILE_UNUSABLE: {
    kind: 'unavailable',
    message: 'The file `token` in the data directory cannot be used: {reason}',
    help: 'Delete that file and start again; a new token is made. Programs that hold the old one must read it again.',
  },
  AGENT_UNKNOWN: {
    kind: 'missing',
    message: 'No agent called "{agent}" is on this machine.',
    help: '`openpact agents` lists those of the pact; one of this machine is needed.{near}',
  },
})
