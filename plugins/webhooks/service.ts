/** All subscriptions of this machine, for the operations and the health of this plugin. */
import { serviceRef } from '../../kernel/index.ts'
import type { Webhooks } from './webhooks.ts'

export const webhooks = serviceRef<Webhooks>('webhooks', 1)
