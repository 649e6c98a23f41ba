/** Error codes of local databases. */
import { defineErrors } from '../../kernel/index.ts'

export const storeErrors = defineErrors({
  DATABASE_CORRUPT: {
    kind: 'unavailable',
    message: 'The file {file} in the data directory is damaged or not a database.',
    help: '{cure}',
  },
  STORE_NEWER: {
    kind: 'unavailable',
    message:
      'The tables of plugin "{plugin}" in local.db were written by a newer version (step {found}; this one knows {known}).',
    help: 'Install that version of the plugin or a newer one.',
  },
})
