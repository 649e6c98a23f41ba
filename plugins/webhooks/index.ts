/** Webhooks: events of a pact sent to URLs, signed, in order, until they are answered. */
import { definePlugin, OpenPactError, type Static, Type } from '../../kernel/index.ts'
import { awaitedPacts } from '../backup/service.ts'
import { consumers, events, matcher } from '../events/service.ts'
import { http } from '../http/route.ts'
import { store } from '../store/service.ts'
import { type Network, parseNetwork } from './addresses.ts'
import { Deliveries } from './deliveries.ts'
import './errors.ts'
import { webhooksHealth } from './health.ts'
import {
  listDeliveries,
  listSubscriptions,
  pingSubscription,
  replayDeliveries,
  rotateSecret,
  showSubscription,
  subscribe,
  unsubscribe,
} from './operations.ts'
import { Poster } from './post.ts'
import { SCHEDULE } from './schedule.ts'
import { webhooks } from './service.ts'
import { Subscriptions } from './subscriptions.ts'
import { migrations } from './tables.ts'
import { Webhooks } from './webhooks.ts'

export * from './service.ts'

const WebhooksConfig = Type.Object({
  allow: Type.Array(Type.String(), {
    default: [],
    description: 'Private networks that callbacks may be on, e.g. ["192.168.1.0/24"]',
  }),
  retry_seconds: Type.Array(Type.Number({ minimum: 0, maximum: 7 * 24 * 3600 }), {
    minItems: 1,
    maxItems: 20,
    default: [...SCHEDULE],
    description: 'Seconds before each attempt of a delivery, the first included',
  }),
})

export default definePlugin({
  name: 'webhooks',
  version: '0.1.0',
  api: 1,
  summary: 'Sends events of a pact to URLs, signed, in order, until they are answered',
  requires: [store, events, matcher, consumers, http],
  provides: [webhooks],
  config: WebhooksConfig,
  contributes: [
    ...[subscribe, listSubscriptions, showSubscription, unsubscribe],
    ...[rotateSecret, pingSubscription, listDeliveries, replayDeliveries],
    webhooksHealth,
  ],
  setup(ctx) {
    const { kernel, log, config } = ctx
    const local = ctx.use(store)
    local.migrate('webhooks', migrations)
    const all = new Webhooks({
      store: local,
      events: ctx.use(events),
      matcher: ctx.use(matcher),
      consumers: ctx.use(consumers),
      subscriptions: new Subscriptions(local),
      deliveries: new Deliveries(local),
      poster: new Poster({ allow: networks(config), agent: `openpact/${kernel.version}` }),
      log,
      schedule: config.retry_seconds,
      url: () => ctx.use(http).url,
      pact: id => kernel.pacts.find(id),
    })
    ctx.onClose(() => all.close())
    ctx.tap('kernel.ready', () => {
      const here = [...kernel.pacts.list().map(({ id }) => id), ...kernel.pacts.failed.keys()]
      // On a restored machine those of pacts that it is still to be let into stay as well.
      all.start(new Set([...here, ...awaitedPacts(local)]))
    })
    ctx.provide(webhooks, all)
  },
})

/** @throws OpenPactError CONFIG_INVALID */
function networks({ allow }: Static<typeof WebhooksConfig>): Network[] {
  return allow.map(text => {
    try {
      return parseNetwork(text)
    } catch {
      const reason = `webhooks.allow: "${text}" is not a network like 192.168.1.0/24`
      throw new OpenPactError('CONFIG_INVALID', { file: 'openpact.config', reason })
    }
  })
}
