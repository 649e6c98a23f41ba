/** Subscriptions and deliveries as the API shows them. */
import { type Static, type TSchema, Type } from '../../kernel/index.ts'
import { MatchSchema } from '../events/service.ts'
import type { Deliveries, Delivery } from './deliveries.ts'
import { states } from './deliveries.ts'
import type { Subscription } from './subscriptions.ts'

const Time = Type.String({ description: 'ISO 8601' })
const orNull = <const T extends TSchema>(type: T) => Type.Union([type, Type.Null()])

export const SubscriptionShape = Type.Object({
  id: Type.String(),
  callback: Type.String(),
  match: MatchSchema,
  agent: Type.String({ description: 'Agent that subscribed' }),
  created: Time,
  state: Type.Enum(['ok', 'failing', 'disabled']),
  reason: Type.Optional(Type.String({ description: 'Why it is failing or disabled' })),
  pending: Type.Integer({ description: 'Deliveries that wait; counted up to 10000' }),
  lag_ms: Type.Integer({ description: 'How long the oldest of them waits, in ms' }),
  dead: Type.Integer({ description: 'Deliveries that were given up; counted up to 10000' }),
  failures: Type.Integer({ description: 'Attempts in a row that failed' }),
  last_success: orNull(Time),
  last_failure: orNull(Time),
  next_attempt: orNull(Time),
})
export type SubscriptionShape = Static<typeof SubscriptionShape>

export const SecretShape = Type.String({ description: 'Signs what is sent. Shown only now' })

export const DeliveryShape = Type.Object({
  id: Type.String({ description: 'webhook-id of every attempt' }),
  type: Type.String(),
  state: Type.Enum([...states]),
  created: Time,
  next_attempt: orNull(Time),
  attempts: Type.Array(
    Type.Object({
      at: Time,
      status: orNull(Type.Integer()),
      error: orNull(Type.String()),
      ms: Type.Integer(),
    }),
  ),
})

export function subscriptionShape(subscription: Subscription, deliveries: Deliveries): SubscriptionShape {
  const { no, id, callback, match, agent, created, disabled, failures, last_error } = subscription
  const head = deliveries.head(no)
  const reason = disabled ?? (failures > 0 ? last_error : null)
  return {
    id,
    callback,
    match,
    agent,
    created: iso(created),
    state: disabled !== null ? 'disabled' : failures > 0 ? 'failing' : 'ok',
    ...(reason !== null && { reason }),
    pending: deliveries.count(no, 'pending'),
    lag_ms: head ? Math.max(0, Date.now() - head.created) : 0,
    dead: deliveries.count(no, 'dead'),
    failures,
    last_success: isoOrNull(subscription.last_success),
    last_failure: isoOrNull(subscription.last_failure),
    next_attempt: head && disabled === null ? iso(head.next_at) : null,
  }
}

export function deliveryShape({ id, type, state, created, next_at, attempts }: Delivery): Static<typeof DeliveryShape> {
  return { id, type, state, created: iso(created), next_attempt: state === 'pending' ? iso(next_at) : null, attempts }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}
