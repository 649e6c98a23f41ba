/** `GET /v1/events`: events of all pacts of a token as server-sent events. */
import { once } from 'node:events'
import { OpenPactError } from '../../kernel/index.ts'
import { authorise } from '../access/permits.ts'
import { access } from '../access/service.ts'
import { whileValid } from '../access/valid.ts'
import { type RouteCall, route } from '../http/route.ts'
import { didYouMean } from '../operations/near-names.ts'
import type { Caller } from '../operations/operation.ts'
import type { Wanted } from './hub.ts'
import { flatFields } from './match.ts'
import { matchOf } from './query.ts'
import { events, matcher, streams } from './service.ts'

const name = 'GET /v1/events'

export const eventStream = route({
  method: 'GET',
  path: '/v1/events',
  access: 'read',
  summary:
    'Server-sent events as they happen. Query: pact (alias or id), since (a cursor), and what is wanted: type or types, status, topic, agent, owner, role, priority, assignee, text, until, or match (a whole match as JSON). Resumes after Last-Event-ID.',
  async handle(call) {
    const { reply, ctx } = call
    const feed = ctx.use(events)
    const wanted = wantedBy(call)
    const cursor = header(call, 'last-event-id') ?? text(call, 'since')
    const seq = cursor === undefined ? feed.head() : feed.read(cursor)
    reply.hijack()
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    const { signal, release } = whileValid(ctx.use(access), call.caller!, call.signal)
    try {
      if (!signal.aborted) {
        const end = ctx.use(streams).open(reply.raw, wanted, seq)
        // In the same turn: nothing that happens after the end of a token is written.
        signal.addEventListener('abort', end)
        await once(signal, 'abort')
      }
    } finally {
      release()
    }
    // Who takes nothing would keep the connection, and what waits in it, beyond the token.
    if (reply.raw.writableNeedDrain) reply.raw.destroy()
    else reply.raw.end()
  },
})

/** @throws OpenPactError PACT_UNKNOWN, OUT_OF_SCOPE, MATCH_INVALID, INVALID_INPUT */
function wantedBy(call: RouteCall): Wanted {
  refuseUnknown(Object.keys(call.request.query as object))
  const match = matchOf(call.request.query as Record<string, unknown>)
  return {
    pacts: pactsOf(call.caller!, call),
    match: match && call.ctx.use(matcher).compile(match),
  }
}

const fields = ['pact', 'since', 'types', 'match', ...flatFields]

/** A mistyped one would let everything through. @throws OpenPactError INVALID_INPUT */
function refuseUnknown(given: string[]): void {
  const unknown = given.find(field => !fields.includes(field))
  if (unknown === undefined) return
  const near = didYouMean(unknown, fields) || ` Known: ${fields.join(', ')}.`
  throw new OpenPactError('INVALID_INPUT', { reason: `"${unknown.slice(0, 64)}" is not a known field.${near}` })
}

function pactsOf(caller: Caller, call: RouteCall): readonly string[] | null {
  const asked = text(call, 'pact')
  if (asked === undefined) return caller.pacts
  const { pacts } = call.ctx.kernel
  // A limited caller learns of no pact beyond its own: the answer is the same whether or not another one exists.
  const pact = caller.pacts ? pacts.find(asked) : pacts.get(asked)
  authorise(caller, { name, access: 'read', plugin: 'events' }, pact?.id ?? asked)
  if (!pact) throw new OpenPactError('PACT_UNKNOWN', { pact: asked, near: '' })
  return [pact.id]
}

function text({ request }: RouteCall, field: string): string | undefined {
  const value = (request.query as Record<string, unknown>)[field]
  const single = Array.isArray(value) ? value.join(',') : value
  return typeof single === 'string' && single !== '' ? single : undefined
}

function header({ request }: RouteCall, field: string): string | undefined {
  const value = request.headers[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}
