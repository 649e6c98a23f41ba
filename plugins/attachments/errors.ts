import { defineErrors } from '../../kernel/index.ts'

export const attachmentErrors = defineErrors({
  ATTACHMENT_INVALID: {
    kind: 'invalid',
    message: 'The attachment is not valid: {reason}',
    help: 'Split or shorten the content; a reference is passed on exactly as `attach` gave it.',
  },
  ATTACHMENT_FOREIGN: {
    kind: 'forbidden',
    message: 'The reference names a core that is no attachment of this pact.',
    help: 'Ask its author to publish the content in this pact.',
  },
  ATTACHMENT_MISSING: {
    kind: 'unavailable',
    message: 'The attached content is not on this machine yet: {have} of {of} blocks.',
    help: 'It arrives once a member that has it is online; `openpact status` lists who is. Then try again.',
  },
  ATTACHMENT_CORRUPT: {
    kind: 'unprocessable',
    message: 'The attached content is not what its author announced.',
    help: 'Do not use it; ask its author to publish it again.',
  },
})
