/** What can go wrong with the settings of other programs. */
import { defineErrors } from '../../kernel/errors.ts'

export const integrationErrors = defineErrors({
  CLIENT_UNKNOWN: {
    kind: 'invalid',
    message: 'There is no integration for "{name}".',
    help: 'There are: {known}.{near} For any other client, name `openpact mcp` as its MCP server.',
  },
  CLIENT_CONFIG_BROKEN: {
    kind: 'unprocessable',
    message: '{file} cannot be changed: {reason}.',
    help: 'It was left as it is. Correct it and try again, or put this into it by hand:\n{snippet}',
  },
  CLIENT_ENTRY_TAKEN: {
    kind: 'conflict',
    message: '{file} has an entry {path} that was not made by this command.',
    help: 'It was left as it is. Remove or rename it, then try again.',
  },
  CLIENT_CONFIG_UNWRITABLE: {
    kind: 'unavailable',
    message: '{file} cannot be written: {reason}.',
    help: 'Nothing was changed in it. Make it writable for you, or show what to change with --dry-run and do it by hand.',
  },
  HOME_MISSING: {
    kind: 'unavailable',
    message: 'There is no home directory to look for settings in: {reason}.',
    help: 'Set HOME to the directory of the user whose client it is.',
  },
})
