/** The inboxes, for the operations of this plugin. */
import { serviceRef } from '../../kernel/index.ts'
import type { Inboxes } from './inbox.ts'

export const inboxes = serviceRef<Inboxes>('messages-inboxes', 1)
