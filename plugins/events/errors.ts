/** Error codes of events. */
import { defineErrors } from '../../kernel/index.ts'

export const eventErrors = defineErrors({
  EVENT_CURSOR_INVALID: {
    kind: 'invalid',
    message: 'The cursor is not one of this machine’s events.',
    help: 'Cursors belong to one machine. Ask `/changes?from=head` for the newest, or `from=start` for the first.',
  },
})
