/** Events: what happened, recorded once in an outbox that survives crashes and reorders, matched once for all who act on it. */
import { definePlugin } from '../../kernel/index.ts'
import { isHere } from '../pacts/service.ts'
import { readModel } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import { OutboxConsumers } from './consumers.ts'
import { testMatch } from './explain.ts'
import { Feed } from './feed.ts'
import { outboxHealth } from './health.ts'
import { Hub } from './hub.ts'
import { LocalMatcher } from './matcher.ts'
import { listChanges } from './operations.ts'
import { Outbox } from './outbox.ts'
import { People } from './people.ts'
import { EventsConfig, Retention } from './retention.ts'
import { consumers, events, matcher, streams } from './service.ts'
import { eventStream } from './stream.ts'

// What other plugins may import, in the tree and out of it (`openpact/plugins/events`).
export * from './service.ts'

export default definePlugin({
  name: 'events',
  version: '0.1.0',
  api: 1,
  summary:
    'An outbox of what happened, as a live stream, as a list of changes and for consumers, with one matcher for all',
  requires: [store, readModel],
  provides: [events, matcher, consumers, streams],
  config: EventsConfig,
  contributes: [listChanges, testMatch, eventStream, outboxHealth],
  setup(ctx) {
    const { kernel, log } = ctx
    const model = ctx.use(readModel)
    const outbox = new Outbox(ctx.use(store))
    const feed = new Feed(outbox, model, kernel, log)
    ctx.onClose(() => feed.close())
    const people = new People()
    const names = new LocalMatcher(model, kernel, people)
    const hub = new Hub(
      feed,
      event => {
        const pact = kernel.pacts.find(event.pact)
        return pact && names.occurrence(event, pact)
      },
      pacts =>
        Promise.all(
          kernel.pacts.list().flatMap(pact => (pacts?.includes(pact.id) === false ? [] : names.people(pact))),
        ),
      id => isHere(kernel.pacts, id),
    )
    ctx.onClose(() => hub.close())
    const all = new OutboxConsumers({ store: ctx.use(store), outbox, events: feed, matcher: names, model, kernel, log })
    ctx.onClose(() => all.close())
    const retention = new Retention(outbox, all, kernel, ctx.config, log)
    ctx.onClose(() => retention.close())

    ctx.tap('pact.opened', pact => feed.opened(pact))
    ctx.tap('entry.applied', (pact, records) => people.applied(pact, records))
    ctx.tap('entry.reverted', pact => people.forget(pact))
    // The index notes a confirmation when it has time; who waits for it has it noted at once.
    ctx.tap('entry.confirmed', async pact => {
      if (all.awaitConfirmation || hub.awaitsConfirmation) await model.sync(pact)
    })
    ctx.tap('kernel.ready', () => retention.prune())
    // Before the index lets go of the pact.
    ctx.tap('pact.closed', pact => feed.closed(pact), { order: 'pre' })
    ctx.tap('pact.closed', pact => all.release(pact), { order: 'pre' })
    ctx.provide(events, feed)
    ctx.provide(matcher, names)
    ctx.provide(consumers, all)
    ctx.provide(streams, hub)
  },
})
