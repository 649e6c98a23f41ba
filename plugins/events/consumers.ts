/** All consumers of the outbox, and how far they have come together. */
import type { Pact } from '../../kernel/index.ts'
import { type ConsumerParts, OutboxConsumer } from './consumer.ts'
import type { Consumer, ConsumerDefinition, ConsumerStatus, Consumers } from './service.ts'

export class OutboxConsumers implements Consumers {
  readonly #parts: ConsumerParts
  readonly #open = new Map<string, OutboxConsumer>()

  constructor(parts: ConsumerParts) {
    this.#parts = parts
  }

  open(definition: ConsumerDefinition): Consumer {
    const { name } = definition
    if (this.#open.has(name)) throw new Error(`there is already a consumer called "${name}"`)
    const consumer = new OutboxConsumer(definition, this.#parts, () => void this.#open.delete(name))
    this.#open.set(name, consumer)
    return consumer
  }

  list(): ConsumerStatus[] {
    return [...this.#open.values()].map(consumer => consumer.status())
  }

  get awaitConfirmation(): boolean {
    return [...this.#open.values()].some(consumer => consumer.awaitsConfirmation)
  }

  /** Number of the last event that every consumer is done with, of these pacts. */
  floor(pactIds: readonly string[]): number {
    const head = this.#parts.outbox.head()
    return Math.min(head, ...[...this.#open.values()].map(consumer => consumer.floor(pactIds)))
  }

  async release(pact: Pact): Promise<void> {
    await Promise.all([...this.#open.values()].map(consumer => consumer.release(pact)))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(consumer => consumer.close()))
  }
}
