/** How webhooks are doing, for `openpact status`, `openpact doctor` and metrics. */
import type { Kernel } from '../../kernel/index.ts'
import { type Finding, health, type Metric } from '../operations/health.ts'
import { webhooks } from './service.ts'
import type { Subscription } from './subscriptions.ts'

type State = 'ok' | 'failing' | 'disabled'

export const webhooksHealth = health({
  name: 'webhooks',
  findings(kernel: Kernel): Finding[] {
    const all = kernel.use(webhooks)
    return kernel.pacts.list().flatMap(pact =>
      all.list(pact).flatMap((subscription): Finding[] => {
        const state = stateOf(subscription)
        if (state === 'ok') return []
        const { id, disabled, failures, last_error } = subscription
        const pending = all.deliveries.count(subscription.no, 'pending')
        const words =
          state === 'disabled'
            ? `Subscription ${id} of pact ${pact.alias} is disabled: ${disabled}. Delete it, or subscribe again.`
            : `Subscription ${id} of pact ${pact.alias} failed ${failures} times in a row (${last_error}); ${pending} deliveries wait. \`openpact subscriptions deliveries ${id}\` shows them.`
        return [{ level: 'advice', about: 'Webhooks', words }]
      }),
    )
  },
  metrics(kernel: Kernel): Metric[] {
    const all = kernel.use(webhooks)
    const subscriptions = kernel.pacts.list().flatMap(pact => all.list(pact))
    const waiting = subscriptions.reduce((sum, { no }) => sum + all.deliveries.count(no, 'pending'), 0)
    const states: State[] = ['ok', 'failing', 'disabled']
    return [
      ...states.map(state => ({
        name: 'webhooks_subscriptions',
        help: 'Subscriptions by state',
        value: subscriptions.filter(one => stateOf(one) === state).length,
        labels: { state },
      })),
      { name: 'webhooks_waiting', help: 'Deliveries that wait to be sent', value: waiting },
    ]
  },
})

function stateOf({ disabled, failures }: Subscription): State {
  return disabled !== null ? 'disabled' : failures > 0 ? 'failing' : 'ok'
}
