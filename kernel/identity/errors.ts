import { defineErrors } from '../errors.ts'

export const identityErrors = defineErrors({
  IDENTITY_EXISTS: {
    kind: 'conflict',
    message: 'This data directory already has an identity.',
    help: 'Choose another directory with --data-dir, or move the folder identity/ away first.',
  },
})
