/** Error codes of events. */
import { defineErrors } from '../../kernel/index.ts'

export const eventErrors = defineErrors({
  EVENT_CURSOR_INVALID: {
    kind: 'invalid',
    message: 'The cursor is not one of this machine’s events.',
    help: 'Cursors belong to one machine. Ask `/changes?from=head` for the newest, or `from=start` for the first.',
  },
  EVENT_CURSOR_EXPIRED: {
    kind: 'invalid',
    message: 'The events behind this cursor are too old: they were pruned.',
    help: 'Ask `/changes?from=start` for the oldest that are kept, and read what is older as entries.',
  },
  MATCH_INVALID: {
    kind: 'invalid',
    message: 'The match is not valid: {reason}',
    help: 'Correct the named field; `openpact events test <entry-id> <match>` says what a match does with an entry.',
  },
})
