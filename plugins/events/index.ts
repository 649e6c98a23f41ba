/** Events: what happened, recorded once in an outbox that survives crashes and reorders, read by streams and `/changes`. */
import { definePlugin } from '../../kernel/index.ts'
import { readModel } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import { Feed } from './feed.ts'
import { Hub } from './hub.ts'
import { listChanges } from './operations.ts'
import { events, streams } from './service.ts'
import { eventStream } from './stream.ts'

// What other plugins may import, in the tree and out of it (`openpact/plugins/events`).
export * from './service.ts'

export default definePlugin({
  name: 'events',
  version: '0.1.0',
  api: 1,
  summary: 'An outbox of what happened, as a live stream and as a list of changes',
  requires: [store, readModel],
  provides: [events, streams],
  contributes: [listChanges, eventStream],
  setup(ctx) {
    const feed = new Feed(ctx.use(store), ctx.use(readModel), ctx.kernel, ctx.log)
    ctx.onClose(() => feed.close())
    const hub = new Hub(feed)
    ctx.onClose(() => hub.close())
    ctx.tap('pact.opened', pact => feed.opened(pact))
    // Before the index lets go of the pact.
    ctx.tap('pact.closed', pact => feed.closed(pact), { order: 'pre' })
    ctx.provide(events, feed)
    ctx.provide(streams, hub)
  },
})
