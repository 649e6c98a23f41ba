/** Codes about agents. */
import { defineErrors } from '../../kernel/index.ts'

export const agentErrors = defineErrors({
  AGENT_NOT_REVOKED: {
    kind: 'unavailable',
    message: 'The agent "{agent}" could not be revoked in: {pacts}.',
    help: 'Its tokens are revoked on this machine. Repeat the command when those pacts can be written; see `openpact status`.',
  },
  AGENT_IS_DEFAULT: {
    kind: 'conflict',
    message: 'The agent "{agent}" is the default agent of this machine and cannot be revoked.',
    help: 'To cut this machine off, retire its device from another one.',
  },
})
