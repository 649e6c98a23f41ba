/** All subscriptions of this machine: a consumer of events that queues deliveries, and the courier that sends them. */
import { OpenPactError, type Pact } from '../../kernel/index.ts'
import type { CompiledMatch, Consumer, Consumers, Events, Match, Matcher } from '../events/service.ts'
import { checkCallback, parseCallback } from './callback.ts'
import { Courier, type CourierParts } from './courier.ts'
import { correctionOf, type Message, messageId, messageOf, pingOf } from './message.ts'
import type { Outcome } from './post.ts'
import type { Subscription } from './subscriptions.ts'

export interface WebhookParts extends Omit<CourierParts, 'ondisabled'> {
  events: Events
  matcher: Matcher
  consumers: Consumers
  /** The local door's URL, asked for when a message is made. */
  url(): string
  /** The open pact with an id, or null. */
  pact(id: string): Pact | null
}

export interface Wish {
  callback: string
  match: Match
  /** Agent that asks. */
  agent: string
  /** Whether the callback may be on this machine. */
  loopback: boolean
}

export class Webhooks {
  readonly #parts: WebhookParts
  readonly #courier: Courier
  readonly #consumer: Consumer
  /** Numbers of subscriptions by id, for the consumer's keys. */
  readonly #numbers = new Map<string, number>()
  readonly #queued = new Set<number>()

  constructor(parts: WebhookParts) {
    this.#parts = parts
    this.#courier = new Courier({ ...parts, ondisabled: subscription => this.#forget(subscription) })
    this.#consumer = parts.consumers.open({
      name: 'webhooks',
      handle: (occurrence, keys) => this.#queue(occurrence.event.id, keys, () => messageOf(occurrence, parts.url())),
      correct: (event, keys) => {
        const pact = parts.pact(event.pact)
        if (pact) this.#queue(event.id, keys, () => correctionOf(event, pact))
      },
      committed: () => {
        for (const no of this.#queued) this.#courier.kick(no)
        this.#queued.clear()
      },
    })
  }

  /** Takes up what was left. `pactIds`: those that are on this machine or awaited; subscriptions of others go. */
  start(pactIds: ReadonlySet<string>): void {
    const { subscriptions, deliveries, matcher, log } = this.#parts
    for (const subscription of subscriptions.all()) {
      if (!pactIds.has(subscription.pact)) subscriptions.remove(subscription)
      else if (subscription.disabled === null) {
        try {
          this.#follow(subscription, matcher.compile({ ...subscription.match, pact: subscription.pact }))
        } catch (error) {
          // A version before this one knew other matches.
          log.error('A subscription cannot be read and is disabled.', {
            subscription: subscription.id,
            error: String(error),
          })
          subscriptions.disable(subscription.no, 'its match is not understood by this version')
        }
      }
    }
    this.#consumer.start()
    for (const no of deliveries.waiting()) this.#courier.kick(no)
  }

  /** @throws OpenPactError CALLBACK_INVALID, CALLBACK_FORBIDDEN, MATCH_INVALID */
  async subscribe(pact: Pact, { callback, match, agent, loopback }: Wish): Promise<Subscription> {
    const { poster, subscriptions, matcher, events } = this.#parts
    const url = parseCallback(callback)
    if (match.pact !== undefined && ![match.pact].flat().some(name => name === pact.id || name === pact.alias))
      throw new OpenPactError('MATCH_INVALID', { reason: `"pact" names another one than "${pact.alias}".` })
    const compiled = matcher.compile({ ...match, pact: pact.id })
    await checkCallback(url, poster.policy(loopback), poster.resolve)
    const since = events.head()
    const wish = { pact: pact.id, callback: url.href, match, since, agent, loopback }
    const subscription = subscriptions.add(wish)
    this.#follow(subscription, compiled)
    return subscription
  }

  list(pact: Pact): Subscription[] {
    return this.#parts.subscriptions.ofPact(pact.id)
  }

  /** @throws OpenPactError SUBSCRIPTION_UNKNOWN */
  get(pact: Pact, id: string): Subscription {
    const subscription = this.#parts.subscriptions.byId(pact.id, id)
    if (!subscription) throw new OpenPactError('SUBSCRIPTION_UNKNOWN', { id: id.slice(0, 80) })
    return subscription
  }

  remove(subscription: Subscription): void {
    this.#forget(subscription)
    this.#parts.subscriptions.remove(subscription)
  }

  rotate(subscription: Subscription): string {
    return this.#parts.subscriptions.rotate(subscription)
  }

  ping(subscription: Subscription): Promise<Outcome> {
    const { body } = pingOf(subscription.id)
    return this.#courier.ping(subscription, {
      id: messageId(`ping ${Date.now()} ${Math.random()}`, subscription.id),
      body,
    })
  }

  /** Sends one delivery again, or all dead ones. Answers how many. @throws OpenPactError DELIVERY_UNKNOWN, SUBSCRIPTION_DISABLED */
  replay({ no, id, disabled }: Subscription, delivery?: string): number {
    const { deliveries } = this.#parts
    if (disabled !== null) throw new OpenPactError('SUBSCRIPTION_DISABLED', { id, reason: disabled })
    let count = 1
    if (delivery === undefined) count = deliveries.requeueDead(no, Date.now())
    else {
      const found = deliveries.byId(no, delivery)
      if (!found) throw new OpenPactError('DELIVERY_UNKNOWN', { id: delivery.slice(0, 80) })
      deliveries.requeue(found.no, Date.now())
    }
    this.#courier.kick(no)
    return count
  }

  get deliveries() {
    return this.#parts.deliveries
  }

  async close(): Promise<void> {
    await this.#consumer.close()
    await this.#courier.close()
    this.#parts.poster.close()
  }

  #follow(subscription: Subscription, match: CompiledMatch): void {
    this.#numbers.set(subscription.id, subscription.no)
    this.#consumer.set(subscription.id, match, subscription.since)
  }

  #forget({ id }: Subscription): void {
    this.#numbers.delete(id)
    this.#consumer.delete(id)
  }

  /** In the transaction that moves the cursor: an event and its deliveries are kept together or not at all. */
  #queue(eventId: string, ids: readonly string[], make: () => Message): void {
    const { type, body } = make()
    const now = Date.now()
    for (const id of ids) {
      const no = this.#numbers.get(id)
      if (no === undefined) continue
      this.#parts.deliveries.add(no, messageId(eventId, id), type, body, now)
      this.#queued.add(no)
    }
  }
}
