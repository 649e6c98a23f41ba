import { defineErrors } from '../errors.ts'

export const identityErrors = defineErrors({
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
})
