/** What one can do with subscriptions. They belong to this machine: nothing of them is ever written to a pact. */
import { type Kernel, OpenPactError, Type } from '../../kernel/index.ts'
import { unlimited } from '../access/permits.ts'
import { MatchSchema, matchFields } from '../events/service.ts'
import { didYouMean } from '../operations/near-names.ts'
import { type Call, operation } from '../operations/operation.ts'
import { decodeCursor, encodeCursor } from '../read-model/service.ts'
import { PageInput, pageShape } from '../read-model/wire.ts'
import { states } from './deliveries.ts'
import { webhooks } from './service.ts'
import { DeliveryShape, deliveryShape, SecretShape, SubscriptionShape, subscriptionShape } from './shapes.ts'

const Id = Type.String({ maxLength: 80, description: 'Id of the subscription' })

export const subscribe = operation({
  name: 'webhooks.subscribe',
  summary: 'Have events of the pact sent to a URL',
  description:
    'Every event that fits is sent as a signed POST (Standard Webhooks), in order, until it is answered with 2xx. The secret is shown only in this answer.',
  http: 'POST /subscriptions',
  access: 'write',
  signs: false,
  created: true,
  input: Type.Object({
    callback: Type.String({ minLength: 1, maxLength: 2048, description: 'http or https URL' }),
    type: matchFields.type,
    topic: matchFields.topic,
    match: Type.Optional({
      ...MatchSchema,
      description: 'A whole match, as JSON: status, agent, role, where, until …; `openpact events test` explains one',
    }),
  }),
  output: Type.Object({
    ...SubscriptionShape.properties,
    secret: SecretShape,
    note: Type.Optional(Type.String({ description: 'What may be a mistake in the match' })),
  }),
  errors: ['CALLBACK_INVALID', 'CALLBACK_FORBIDDEN', 'MATCH_INVALID'],
  cli: { path: 'subscriptions add', args: ['callback'] },
  async run({ callback, type, topic, match = {} }, call) {
    noRun(call)
    for (const [field, value] of Object.entries({ type, topic })) {
      if (value !== undefined && Object.hasOwn(match, field))
        throw new OpenPactError('INVALID_INPUT', { reason: `"${field}" is given twice; keep that in "match".` })
    }
    const whole = { ...(type !== undefined && { type }), ...(topic !== undefined && { topic }), ...match }
    const { agent } = call.caller
    const all = call.use(webhooks)
    const wish = { callback, match: whole, agent, loopback: unlimited(call.caller) }
    const subscription = await all.subscribe(call.pact, wish)
    const note = unknownTypes(call.kernel, whole.type)
    return {
      ...subscriptionShape(subscription, all.deliveries),
      secret: subscription.secrets[0]!,
      ...(note !== '' && { note }),
    }
  },
})

export const listSubscriptions = operation({
  name: 'webhooks.list',
  summary: 'List subscriptions with their health and lag',
  http: 'GET /subscriptions',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({ entries: Type.Array(SubscriptionShape), cursor: Type.Null(), has_more: Type.Literal(false) }),
  cli: { path: 'subscriptions list', columns: ['id', 'state', 'callback', 'pending', 'lag_ms', 'dead', 'reason'] },
  run(_input, call) {
    noRun(call)
    const all = call.use(webhooks)
    const entries = all.list(call.pact).map(subscription => subscriptionShape(subscription, all.deliveries))
    return { entries, cursor: null, has_more: false as const }
  },
})

export const showSubscription = operation({
  name: 'webhooks.show',
  summary: 'Show a subscription with its health and lag',
  http: 'GET /subscriptions/:id',
  access: 'read',
  input: Type.Object({ id: Id }),
  output: SubscriptionShape,
  errors: ['SUBSCRIPTION_UNKNOWN'],
  cli: { path: 'subscriptions show', args: ['id'] },
  run: ({ id }, call) => subscriptionShape(found(call, id), call.use(webhooks).deliveries),
})

export const unsubscribe = operation({
  name: 'webhooks.unsubscribe',
  summary: 'Delete a subscription with all its deliveries',
  http: 'DELETE /subscriptions/:id',
  access: 'write',
  input: Type.Object({ id: Id }),
  output: Type.Object({ id: Type.String(), deleted: Type.Literal(true) }),
  errors: ['SUBSCRIPTION_UNKNOWN'],
  cli: { path: 'subscriptions delete', args: ['id'] },
  run({ id }, call) {
    call.use(webhooks).remove(owned(call, id))
    return { id, deleted: true as const }
  },
})

export const rotateSecret = operation({
  name: 'webhooks.rotate',
  summary: 'Give a subscription a new secret; for a day both sign',
  http: 'POST /subscriptions/:id/rotate',
  access: 'write',
  signs: false,
  input: Type.Object({ id: Id }),
  output: Type.Object({ id: Type.String(), secret: SecretShape }),
  errors: ['SUBSCRIPTION_UNKNOWN'],
  cli: { path: 'subscriptions rotate', args: ['id'] },
  run: ({ id }, call) => ({ id, secret: call.use(webhooks).rotate(owned(call, id)) }),
})

export const pingSubscription = operation({
  name: 'webhooks.ping',
  summary: 'Send a test message to a callback now and say how it was answered',
  http: 'POST /subscriptions/:id/ping',
  access: 'write',
  signs: false,
  input: Type.Object({ id: Id }),
  output: Type.Object({
    delivered: Type.Boolean(),
    status: Type.Union([Type.Integer(), Type.Null()]),
    error: Type.Union([Type.String(), Type.Null()]),
    ms: Type.Integer(),
  }),
  errors: ['SUBSCRIPTION_UNKNOWN'],
  cli: { path: 'subscriptions ping', args: ['id'] },
  async run({ id }, call) {
    const { status, error, ms } = await call.use(webhooks).ping(owned(call, id))
    return { delivered: error === null, status, error, ms }
  },
})

export const listDeliveries = operation({
  name: 'webhooks.deliveries',
  summary: 'List deliveries of a subscription, those that wait or are in another state, newest first',
  description: 'Kept are those that wait, the last 200 that arrived and the last 1000 that were given up (dead).',
  http: 'GET /subscriptions/:id/deliveries',
  access: 'read',
  input: Type.Object({
    id: Id,
    state: Type.Optional(Type.Enum([...states], { description: 'pending by default' })),
    limit: PageInput.limit,
    cursor: PageInput.cursor,
  }),
  output: pageShape(DeliveryShape),
  errors: ['SUBSCRIPTION_UNKNOWN', 'CURSOR_INVALID'],
  cli: {
    path: 'subscriptions deliveries',
    args: ['id'],
    columns: ['id', 'type', 'state', 'created', 'next_attempt'],
    after: 'Without --state only those that wait are shown; --state delivered and --state dead show the others.',
  },
  run({ id, state = 'pending', limit = 50, cursor }, call) {
    const { no } = found(call, id)
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor)?.[0]
    if (typeof before !== 'number' || !Number.isSafeInteger(before)) throw new OpenPactError('CURSOR_INVALID')
    const rows = call.use(webhooks).deliveries.list(no, state, before, limit + 1)
    const shown = rows.slice(0, limit)
    const has_more = rows.length > limit
    return {
      entries: shown.map(deliveryShape),
      cursor: has_more ? encodeCursor([shown.at(-1)!.no]) : null,
      has_more,
    }
  },
})

export const replayDeliveries = operation({
  name: 'webhooks.replay',
  summary: 'Send one delivery again, or all that were given up',
  http: 'POST /subscriptions/:id/replay',
  access: 'write',
  signs: false,
  input: Type.Object({
    id: Id,
    delivery: Type.Optional(
      Type.String({ maxLength: 80, description: 'Id of the delivery; all dead ones when it is left out' }),
    ),
  }),
  output: Type.Object({ queued: Type.Integer() }),
  errors: ['SUBSCRIPTION_UNKNOWN', 'DELIVERY_UNKNOWN', 'SUBSCRIPTION_DISABLED'],
  cli: { path: 'subscriptions replay', args: ['id', 'delivery'] },
  run: ({ id, delivery }, call) => ({ queued: call.use(webhooks).replay(owned(call, id), delivery) }),
})

/**
 * A run was started by what somebody else wrote, and speaks for an agent of this machine. What it did to a subscription would go on
 * after it, and the path of a callback may be a secret of the user. @throws OpenPactError OUT_OF_SCOPE
 */
function noRun({ caller }: Call): void {
  if (caller.cause)
    throw new OpenPactError('OUT_OF_SCOPE', { reason: 'subscriptions are no affair of a run of a trigger' })
}

/** Types may come with a plugin that is loaded later, so one that nobody has is no fault. Kinds of events begin with their subject. */
function unknownTypes(kernel: Kernel, type: string | string[] = []): string {
  const known = [...kernel.entryTypes().map(({ name }) => name), 'entry-applied', 'correction']
  const unknown = [type].flat().filter(name => !known.some(each => name === each || name.startsWith(`${each}.`)))
  return unknown
    .map(name => `No loaded plugin has the type "${name}", so nothing is sent for it now.${didYouMean(name, known)}`)
    .join(' ')
}

/** For whoever made it, or has no limits. @throws OpenPactError SUBSCRIPTION_UNKNOWN, OUT_OF_SCOPE */
function owned(call: Call, id: string) {
  const subscription = found(call, id)
  if (subscription.agent === call.caller.agent || unlimited(call.caller)) return subscription
  throw new OpenPactError('OUT_OF_SCOPE', { reason: `the subscription is of the agent "${subscription.agent}"` })
}

/** @throws OpenPactError SUBSCRIPTION_UNKNOWN, OUT_OF_SCOPE */
function found(call: Call, id: string) {
  noRun(call)
  return call.use(webhooks).get(call.pact, id)
}
