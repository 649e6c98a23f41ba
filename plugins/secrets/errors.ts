/** Codes about secrets. */
import { defineErrors } from '../../kernel/index.ts'

export const secretErrors = defineErrors({
  SECRET_FOUND: {
    kind: 'unprocessable',
    message: 'Not signed: it seems to hold a secret (rule {rule}). What is signed can never be taken back.',
    help: 'Take the secret out and send it again. If it is none, or is meant for all members: --allow-secret, or `allow_secret: true` in the call; every reader sees that you said so.',
  },
})
