/** Error codes of triggers. */
import { defineErrors } from '../../kernel/index.ts'

export const triggerErrors = defineErrors({
  TRIGGERS_FILE_INVALID: {
    kind: 'invalid',
    message: 'triggers.yaml, line {line}: {reason}',
    help: 'Correct that line and save: the file is read again at once. Until then the triggers of the last good file stay in force.',
  },
  TRIGGERS_FILE_UNSAFE: {
    kind: 'forbidden',
    message: 'triggers.yaml is not read: {reason}',
    help: 'It must be a plain file of yours that nobody else can write: `chmod 600 triggers.yaml` in the data directory.',
  },
  TRIGGER_UNKNOWN: {
    kind: 'missing',
    message: 'There is no trigger "{id}".',
    help: '`openpact triggers list` shows those of triggers.yaml.{near}',
  },
  TRIGGER_CHANGED: {
    kind: 'conflict',
    message: 'The trigger "{id}" is not the one that was shown: it has the hash {hash} now.',
    help: 'Look at it again with `openpact triggers approve {id}`.',
  },
  TRIGGER_REFUSED: {
    kind: 'conflict',
    message: 'The trigger "{id}" does not start for this entry: {reason}.',
    help: '`openpact triggers test {entry}` shows what it looks at.',
  },
  RUN_UNKNOWN: {
    kind: 'missing',
    message: 'There is no run of "{id}" with a log.',
    help: '`openpact triggers history` shows the runs there were.',
  },
})
