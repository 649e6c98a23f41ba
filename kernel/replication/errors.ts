import { defineErrors } from '../errors.ts'

export const replicationErrors = defineErrors({
  NETWORK_UNUSABLE: {
    kind: 'unavailable',
    message: 'The network cannot be used: {reason}',
    help: 'Check the address given with --bind and the port, or start without a network: `{"network": false}` in openpact.config.json of the data directory.',
  },
})
