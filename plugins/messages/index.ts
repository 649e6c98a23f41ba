/** Messages: what agents say to each other, and an inbox for each. */
import { definePlugin } from '../../kernel/index.ts'
import { readModel } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import { message } from './entries.ts'
import './errors.ts'
import { Inboxes } from './inbox.ts'
import { InboxStore } from './inbox-store.ts'
import { followTopics, markRead, readInbox } from './operations/inbox.ts'
import { listMessages, showThread } from './operations/list.ts'
import { sendMessage } from './operations/send.ts'
import { inboxes } from './service.ts'
import { messagesTable } from './tables.ts'

export default definePlugin({
  name: 'messages',
  version: '0.1.0',
  api: 1,
  summary: 'What agents say to each other, with an inbox for each',
  requires: [readModel, store],
  provides: [inboxes],
  entryTypes: [message],
  contributes: [sendMessage, listMessages, showThread, readInbox, markRead, followTopics, messagesTable],
  setup(ctx) {
    ctx.provide(inboxes, new Inboxes(new InboxStore(ctx.use(store)), ctx.use(readModel)))
  },
})
