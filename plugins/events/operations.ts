/** `GET /changes`: what happened in a pact after a cursor, by asking again or by waiting for it. */
import { once } from 'node:events'
import { type Pact, type Static, Type } from '../../kernel/index.ts'
import { ME } from '../operations/named-agent.ts'
import { type Call, operation } from '../operations/operation.ts'
import { type EntryView, readModel } from '../read-model/service.ts'
import { EntryShape } from '../read-model/wire.ts'
import { flatFields, matchFields } from './match.ts'
import { matchOf } from './query.ts'
import {
  CORRECTION,
  type CompiledMatch,
  type Events,
  events,
  type Matcher,
  matcher,
  type PactEvent,
} from './service.ts'

/** Events that one call looks through at most for those that it wants. */
const LOOKED_THROUGH = 2000
const flat = Object.fromEntries(flatFields.map(name => [name, matchFields[name]])) as Pick<
  typeof matchFields,
  (typeof flatFields)[number]
>

const EventShape = Type.Object({
  seq: Type.Integer(),
  id: Type.String({ description: 'Stable: the same event never has two ids' }),
  kind: Type.String({ description: 'entry-applied, correction, or what happened to a subject, e.g. task.claimed' }),
  corrects: Type.Optional(Type.String({ description: 'Id of the event that a reorder took back' })),
  stale: Type.Optional(Type.Literal(true, { description: 'It was taken back meanwhile; its correction follows' })),
  subject: Type.String(),
  subject_id: Type.String(),
  position: Type.Integer(),
  data: Type.Optional(Type.Unknown()),
})

export const listChanges = operation({
  name: 'events.changes',
  summary: 'List what happened after a cursor, oldest first',
  description:
    'Without since, from=start begins with the first event of this machine and from=head answers nothing but the newest cursor. With wait, the answer comes with the next event or after so many seconds. Keep the cursor and send it as since.',
  http: 'GET /changes',
  access: 'read',
  input: Type.Object({
    since: Type.Optional(Type.String({ maxLength: 128, description: 'Cursor of the answer before' })),
    from: Type.Optional(
      Type.Union([Type.Literal('head'), Type.Literal('start')], { description: 'Where to begin; start by default' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Events at most; 50 by default' })),
    ...flat,
    match: Type.Optional(
      Type.String({ maxLength: 16_384, description: 'A whole match as JSON, instead of its fields' }),
    ),
    wait: Type.Optional(
      Type.Number({ minimum: 0, maximum: 30, description: 'Seconds to wait for something to happen' }),
    ),
  }),
  output: Type.Object({
    entries: Type.Array(EntryShape, {
      description: 'The accepted entries that the events are about, as they stand now',
    }),
    events: Type.Array(EventShape),
    cursor: Type.String(),
    has_more: Type.Boolean(),
  }),
  cli: {
    path: 'changes',
    description:
      'Without `since`, `from: start` begins with the first event of this machine and `from: head` shows nothing but the newest cursor. With `wait`, the answer comes with the next event or when that time is over. Keep the cursor (`openpact changes --json`) and give it as `since`.',
    list: 'events',
    columns: ['kind', 'subject', 'subject_id', 'data.topic', 'data.status', 'data.assignee'],
  },
  errors: ['AGENT_NOT_FOUND', 'AGENT_AMBIGUOUS', 'EVENT_CURSOR_INVALID', 'EVENT_CURSOR_EXPIRED', 'MATCH_INVALID'],
  async run({ since, from = 'start', limit = 50, wait = 0, ...query }, call) {
    const feed = call.use(events)
    const wanted = await byKeys(call, matchOf(query))
    const match = wanted && call.use(matcher).compile(wanted)
    let after = since !== undefined ? feed.read(since) : from === 'head' ? feed.head() : 0
    const deadline = Date.now() + wait * 1000
    for (;;) {
      // Each time, as who is who may have changed with what happened.
      if (match?.needsPeople) await call.use(matcher).people(call.pact)
      const { shown, reached, more } = pageOf(feed, call.use(matcher), call.pact, after, limit, match)
      after = reached
      const waiting = shown.length === 0 && !more && Date.now() < deadline
      if (!waiting || !(await moved(feed, deadline - Date.now(), call))) {
        const cursor = feed.cursor(after)
        return { entries: entriesOf(shown), events: shown.map(wireEvent), cursor, has_more: more }
      }
    }
  },
})

/** A match with the keys of the agents that it names: unlike one that is kept, it is about who is there now. */
async function byKeys(call: Call, match: Record<string, unknown> | null) {
  const names = [match?.agent].flat()
  if (!names.every(name => typeof name === 'string')) return match
  // In a match, `me` is every agent of this machine.
  const key = (name: string) => (name === ME ? name : call.use(readModel).author(call, name))
  return { ...match, agent: await Promise.all(names.map(key)) }
}

/** The wanted events after a number, up to which number was looked, and whether there is more. */
function pageOf(feed: Events, see: Matcher, pact: Pact, after: number, limit: number, match: CompiledMatch | null) {
  if (!match) {
    const found = feed.after(after, { pact, limit: limit + 1 })
    const shown = found.slice(0, limit)
    return { shown, reached: shown.at(-1)?.seq ?? after, more: found.length > limit }
  }
  const confirmed = match.match.until === 'confirmed'
  const shown: PactEvent[] = []
  let reached = after
  for (const event of feed.after(after, { pact, limit: LOOKED_THROUGH })) {
    if (shown.length === limit) return { shown, reached, more: true }
    if (event.kind === CORRECTION ? !confirmed : !event.stale) {
      const seen = event.kind === CORRECTION ? null : see.occurrence(event, pact)
      if (seen === null || match.test(seen)) {
        // What may still be taken back is asked for again.
        if (confirmed && seen && !seen.confirmed) return { shown, reached, more: false }
        shown.push(event)
      }
    }
    reached = event.seq
  }
  return { shown, reached, more: reached < feed.head() && feed.after(reached, { pact, limit: 1 }).length > 0 }
}

/**
 * Waits for any event. False when the time is over.
 * @throws the reason of the call's signal when that is aborted
 */
async function moved(feed: Events, ms: number, { signal }: Call): Promise<boolean> {
  const done = new AbortController()
  try {
    signal.throwIfAborted()
    const heard = new Promise<boolean>(resolve => {
      const undo = feed.onEvents(() => resolve(true))
      const timer = setTimeout(resolve, ms, false)
      done.signal.addEventListener('abort', () => {
        undo()
        clearTimeout(timer)
      })
    })
    const gone = once(signal, 'abort', { signal: done.signal }).then(
      () => Promise.reject(signal.reason),
      () => false,
    )
    return await Promise.race([heard, gone])
  } finally {
    done.abort()
  }
}

function entriesOf(found: readonly PactEvent[]): EntryView[] {
  const entries = new Map<string, EntryView>()
  for (const { entry } of found) if (entry?.verdict === 'accepted') entries.set(entry.id, entry)
  return [...entries.values()]
}

function wireEvent({ entry: _, pact: __, ...event }: PactEvent): Static<typeof EventShape> {
  return event
}
