/** Error codes of the read model. */
import { defineErrors } from '../../kernel/index.ts'

export const readModelErrors = defineErrors({
  CURSOR_INVALID: {
    kind: 'invalid',
    message: 'The cursor does not belong to this list.',
    help: 'Send the cursor exactly as the page before answered it, with the same filters; or start again without one.',
  },
  ENTRY_UNKNOWN: {
    kind: 'missing',
    message: 'No entry {id} is known in this pact.',
    help: 'Check the id; the entry may not have reached this machine yet.',
  },
  ENTRY_NOT_HERE: {
    kind: 'unavailable',
    message: 'No entry {id} is on this machine yet, and history of this pact is still on its way.',
    help: 'Ask again when `status` says that the index is complete; the machine that wrote it has it now.',
  },
  QUERY_UNSUPPORTED: {
    kind: 'invalid',
    message: 'These filters cannot be combined: {reason}.',
    help: 'Leave one of them out and choose from what comes back. Only what an index can answer is offered.',
  },
  TABLE_INVALID: {
    kind: 'internal',
    message: 'The table "{table}" of plugin "{plugin}" is declared wrongly: {reason}',
    help: 'Report it to the author of the plugin, or take the plugin out of the configuration.',
  },
})
