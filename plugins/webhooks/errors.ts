/** Error codes of webhooks. */
import { defineErrors } from '../../kernel/index.ts'

export const webhookErrors = defineErrors({
  CALLBACK_INVALID: {
    kind: 'invalid',
    message: 'The callback cannot be used: {reason}',
    help: 'Give a full http or https URL without a user name or password in it.',
  },
  CALLBACK_FORBIDDEN: {
    kind: 'forbidden',
    message: 'The callback must not lead to {address}: {reason}',
    help: 'Use a public address, or one on this machine with a token that has no limits. Private networks are listed under `allow` in the configuration of webhooks.',
  },
  SUBSCRIPTION_UNKNOWN: {
    kind: 'missing',
    message: 'No subscription {id} is kept for this pact.',
    help: '`openpact subscriptions list` shows those there are.',
  },
  SUBSCRIPTION_DISABLED: {
    kind: 'conflict',
    message: 'The subscription {id} is disabled: {reason}',
    help: 'Delete it and subscribe again when the callback answers.',
  },
  DELIVERY_UNKNOWN: {
    kind: 'missing',
    message: 'The subscription has no delivery {id} any more.',
    help: '`openpact subscriptions deliveries <id>` shows those that are kept.',
  },
})
