/** What there is to say about the outbox and who reads it. */
import type { Kernel } from '../../kernel/index.ts'
import { type Finding, health, type Metric } from '../operations/health.ts'
import { consumers, events } from './service.ts'

export const outboxHealth = health({
  name: 'events',
  findings: (kernel): Finding[] =>
    kernel
      .use(consumers)
      .list()
      .filter(({ error }) => error !== null)
      .map(({ name, error, behind }) => {
        const words = `cannot get on, ${behind} events behind, and tries again every second: ${error}`
        return { level: 'fault', about: `Events for ${name}`, words }
      }),
  metrics: kernel => [
    { name: 'events_head', help: 'Number of the newest event', value: kernel.use(events).head() },
    ...lags(kernel),
  ],
})

function lags(kernel: Kernel): Metric[] {
  return kernel
    .use(consumers)
    .list()
    .flatMap(({ name, behind, waiting }) => {
      const labels = { consumer: name }
      return [
        { name: 'consumer_behind', help: 'Events that a consumer has still to look at', labels, value: behind },
        { name: 'consumer_waiting', help: 'Events that wait until they are confirmed', labels, value: waiting },
      ]
    })
}
