/** Codes about how machines are doing. */
import { defineErrors } from '../../kernel/index.ts'

export const healthErrors = defineErrors({
  INDEXER_CANNOT_JUDGE: {
    kind: 'conflict',
    message: 'A machine of {name} cannot judge entries, so it would confirm none.',
    help: '"openpact doctor" on that machine says what it lacks. Or name other indexers.',
  },
})
