/** How long events are kept: what every consumer is done with goes away when it is old, or when there is too much of it. */
import { type Kernel, type Logger, type Static, Type } from '../../kernel/index.ts'
import type { OutboxConsumers } from './consumers.ts'
import type { Outbox } from './outbox.ts'

export const EventsConfig = Type.Object({
  keep_days: Type.Number({
    minimum: 0.01,
    maximum: 3650,
    default: 30,
    description: 'Older events are pruned when every consumer is done with them',
  }),
  keep_events: Type.Integer({
    minimum: 1000,
    maximum: 1_000_000_000,
    default: 1_000_000,
    description: 'So many are kept at most, under the same condition',
  }),
})
export type EventsConfig = Static<typeof EventsConfig>

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
/** Rows per transaction. */
const CHUNK = 2000

export class Retention {
  readonly #outbox: Outbox
  readonly #consumers: OutboxConsumers
  readonly #kernel: Kernel
  readonly #config: EventsConfig
  readonly #timer: NodeJS.Timeout

  constructor(outbox: Outbox, consumers: OutboxConsumers, kernel: Kernel, config: EventsConfig, log: Logger) {
    this.#outbox = outbox
    this.#consumers = consumers
    this.#kernel = kernel
    this.#config = config
    const prune = () => {
      try {
        this.prune()
      } catch (error) {
        log.error('Old events could not be pruned; it is tried again in an hour.', { error: String(error) })
      }
    }
    this.#timer = setInterval(prune, HOUR).unref()
  }

  /** Notes the time, and deletes what is too old at it (ms since 1970). */
  prune(now = Date.now()): void {
    const outbox = this.#outbox
    const { keep_days, keep_events } = this.#config
    outbox.mark(now)
    const old = Math.max(outbox.headAt(now - keep_days * DAY), outbox.head() - keep_events)
    const { list, failed } = { list: this.#kernel.pacts.list(), failed: this.#kernel.pacts.failed }
    const pacts = [...list.map(({ id }) => id), ...failed.keys()]
    // A correction looks up what it takes back.
    const movable = pacts.flatMap(id => outbox.oldestMovable(id) ?? []).map(seq => seq - 1)
    const to = Math.min(old, this.#consumers.floor(pacts), ...movable)
    for (let floor = outbox.floor(); floor < to; floor += CHUNK) outbox.prune(Math.min(floor + CHUNK, to))
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
