/** `GET /changes`: what happened in a pact after a cursor, by asking again or by waiting for it. */
import { once } from 'node:events'
import { type Static, Type } from 'typebox'
import { operation } from '../operations/operation.ts'
import type { EntryView } from '../read-model/service.ts'
import { EntryShape } from '../read-model/wire.ts'
import { type Events, events, type PactEvent } from './service.ts'

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
  errors: ['EVENT_CURSOR_INVALID'],
  cli: { path: 'changes', columns: ['id', 'type', 'topic', 'author', 'timestamp'] },
  async run({ since, from = 'start', limit = 50, wait = 0 }, call) {
    const feed = call.use(events)
    const after = since !== undefined ? feed.read(since) : from === 'head' ? feed.head() : 0
    const page = () => feed.after(after, { pact: call.pact, limit: limit + 1 })
    let found = page()
    const deadline = Date.now() + wait * 1000
    while (found.length === 0 && Date.now() < deadline && (await moved(feed, deadline - Date.now(), call.signal)))
      found = page()
    const shown = found.slice(0, limit)
    return {
      entries: entriesOf(shown),
      events: shown.map(wireEvent),
      cursor: feed.cursor(shown.at(-1)?.seq ?? after),
      has_more: found.length > limit,
    }
  },
})

/** Waits for any event. False when the time is over. @throws the signal's reason when the caller goes away */
async function moved(feed: Events, ms: number, signal: AbortSignal): Promise<boolean> {
  const done = new AbortController()
  const heard = new Promise<boolean>(resolve => {
    const undo = feed.onEvents(() => resolve(true))
    const timer = setTimeout(resolve, ms, false)
    done.signal.addEventListener('abort', () => {
      undo()
      clearTimeout(timer)
    })
  })
  signal.throwIfAborted()
  const gone = once(signal, 'abort', { signal: done.signal }).then(
    () => Promise.reject(signal.reason),
    () => false,
  )
  try {
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
