/** Codes of skills. */
import { defineErrors } from '../../kernel/index.ts'

export const skillErrors = defineErrors({
  SKILL_UNKNOWN: {
    kind: 'missing',
    message: 'No skill {skill} is known in this pact.',
    help: '`openpact skill list` shows names, versions and ids; it may not have reached this machine yet.{near}',
  },
  SKILL_OF_ANOTHER_AUTHOR: {
    kind: 'conflict',
    message: '{skill} was not published by {owner}, to whom the name belongs, but by {others}.',
    help: '`openpact skill list --name {name}` shows what there is; look at it, then name it by its id or with --author.',
  },
  SKILL_VERSION_EXISTS: {
    kind: 'conflict',
    message: 'The skill {name} has a version {version} already: {id}.',
    help: 'Publish it under a higher version; what was published is never changed.',
  },
  SKILL_TOO_LARGE: {
    kind: 'too-large',
    message: 'The content has {size} bytes; a skill has {limit} at most.',
    help: 'Split it into several skills, or leave out what is not text.',
  },
  SKILL_CHECKSUM_MISMATCH: {
    kind: 'unprocessable',
    message: 'The content of the skill does not have its sha256: {found} instead of {expected}.',
    help: 'Nothing was written. Do not use it; publish it again from a file that is whole.',
  },
  SKILL_CONTENT_MISSING: {
    kind: 'unavailable',
    message: 'The content of {name} {version} is not on this machine yet: {have} of {of} blocks.',
    help: 'It is fetched by itself as soon as a member that has it is online; `openpact status` lists who is. Then try again.',
  },
  SKILL_NEEDS_APPROVAL: {
    kind: 'forbidden',
    message: 'The author of {name} {version} wants it installed only after somebody has looked at it.',
    help: 'Read it with `openpact skill content {id}`, then install it with --approve.',
  },
  SKILL_DIFF_TOO_LARGE: {
    kind: 'unprocessable',
    message: 'The two versions differ too much to be compared line by line.',
    help: 'Read both with `openpact skill content <id>`.',
  },
  SKILL_FOLDER_FOREIGN: {
    kind: 'conflict',
    message: 'skills/{name} in the data directory cannot be used: {reason}.',
    help: 'Nothing was changed. Move it aside and install again.',
  },
  SKILL_OF_OTHER_PACT: {
    kind: 'conflict',
    message: 'A skill called {name} is installed from another pact.',
    help: 'Remove it in that pact first: `openpact skill remove {name} --pact {pact}`.',
  },
  SKILL_NOT_INSTALLED: {
    kind: 'missing',
    message: 'No skill called "{name}" of this pact is installed on this machine.',
    help: '`openpact skill installed` lists what is.{near}',
  },
})
