import { handleOf, OpenPactError, type Pact, Type } from '../../../kernel/index.ts'
import { ME } from '../../operations/named-agent.ts'
import { type Call, operation } from '../../operations/operation.ts'
import { decodeCursor, encodeCursor, readModel } from '../../read-model/service.ts'
import { PageInput, pageShape } from '../../read-model/wire.ts'
import { type Priority, priorities, Role, Topic } from '../entries.ts'
import type { InboxPlace, InboxRow, InboxStore } from '../inbox-store.ts'
import { type MessageRow, messageRow } from '../queries.ts'
import { namedAgent, Recipient } from '../recipient.ts'
import { inboxes } from '../service.ts'
import { MessageEntry, messagesOf } from '../shapes.ts'

const Count = Type.Integer({ minimum: 0 })
const InboxEntry = Type.Object({
  ...MessageEntry.properties,
  read_at: Type.Union([Type.String(), Type.Null()], { description: 'ISO 8601, on this machine; null while unread' }),
})

export const readInbox = operation({
  name: 'messages.inbox',
  summary: 'List what is unread for an agent, the most urgent first, then the oldest',
  description:
    'What others sent to everybody, to the agent, to its identity, to its roles, and on topics: all of them, or those it follows. ' +
    'Nothing is marked as read by looking; `all` lists what was read too, the last to come in first.',
  http: 'GET /inbox',
  access: 'read',
  input: Type.Object({
    agent: Type.Optional(Recipient),
    all: Type.Optional(Type.Boolean({ description: 'What was read too; `priority` does not go with it' })),
    priority: Type.Optional(Type.Enum(priorities, { description: 'This one and what is more urgent' })),
    limit: PageInput.limit,
    cursor: PageInput.cursor,
  }),
  output: Type.Object({
    agent: Type.String({ description: 'Handle of the agent whose inbox it is' }),
    ...pageShape(InboxEntry).properties,
    unread: Type.Object({ total: Count, low: Count, normal: Count, high: Count, urgent: Count }),
    mark: Type.String({
      description: 'Everything up to the newest that is in now: send it as `up_to` to mark it read',
    }),
    partial: Type.Boolean({ description: 'Older messages are still being fetched or indexed here and will follow' }),
  }),
  errors: ['RECIPIENT_UNKNOWN', 'RECIPIENT_AMBIGUOUS', 'INBOX_ELSEWHERE', 'CURSOR_INVALID'],
  cli: {
    path: 'inbox',
    after: 'Inbox of {agent}. If it is yours, `openpact inbox read --up-to {mark}` marks as read what is in it now.',
    notes: { partial: 'Older messages are still on their way.' },
    columns: ['id', 'priority', 'author', 'topic', 'timestamp', 'payload.content'],
  },
  mcp: {
    tool: 'read_inbox',
    use: 'Use when you start, and between steps of your work: others may wait for an answer. Mark what you dealt with as read.',
  },
  async run({ agent, all = false, priority, limit = 50, cursor }, call) {
    if (all && priority !== undefined)
      throw new OpenPactError('INVALID_INPUT', { reason: 'priority goes with what is unread, not with `all`.' })
    const { pact } = call
    const { key, handle } = await inboxOwner(call, agent)
    const { store } = call.use(inboxes)
    const reader = await call.use(inboxes).upToDate(pact, key)
    const place = placeOf(cursor, all ? 1 : 2)
    const least = priority === undefined ? priorities.length : priorities.length - 1 - priorities.indexOf(priority)
    const model = call.use(readModel)
    let rows: InboxRow[] = []
    const entries = await messagesOf(model, pact, () => {
      const list = (at: InboxPlace, count: number) =>
        all ? store.all(reader, at, count) : store.unread(reader, least, at, count)
      const found = standing(call, list, place, limit + 1)
      rows = found.map(([row]) => row)
      return found.slice(0, limit).map(([, message]) => message)
    })
    const last = rows.length > limit ? rows[limit - 1] : undefined
    const readAt = new Map(rows.map(({ message, read }) => [message, read]))
    const counts = store.counts(reader)
    const unread = Object.fromEntries(priorities.map((name, i) => [name, counts[priorities.length - 1 - i] ?? 0]))
    return {
      agent: handle,
      entries: entries.map(entry => {
        const read = readAt.get(entry.id)
        return { ...entry, read_at: read == null ? null : new Date(read).toISOString() }
      }),
      cursor: last ? encodeCursor(placeIn(last, all)) : null,
      has_more: last !== undefined,
      unread: { total: counts.reduce((sum, each) => sum + each, 0), ...(unread as Record<Priority, number>) },
      mark: encodeCursor([store.head(reader)]),
      partial: model.progress(pact).partial,
    }
  },
})

export const markRead = operation({
  name: 'messages.read',
  summary: 'Mark messages of the own inbox as read',
  description:
    'By their ids, or all up to the `mark` of a look into the inbox, so that nothing is marked that nobody saw.',
  http: 'POST /inbox/read',
  access: 'read',
  input: Type.Object({
    ids: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1000, description: 'Ids of messages' })),
    up_to: Type.Optional(Type.String({ maxLength: 256, description: '`mark` as the inbox answered it' })),
  }),
  output: Type.Object({
    marked: Type.Integer({ description: 'How many were unread' }),
    unread: Type.Integer({ description: 'How many are left' }),
  }),
  errors: ['MESSAGE_UNKNOWN', 'CURSOR_INVALID'],
  cli: { path: 'inbox read', args: ['ids'] },
  mcp: { tool: 'mark_read', use: 'Use when you have dealt with messages of your inbox.', idempotent: true },
  async run({ ids, up_to }, call) {
    if ((ids === undefined) === (up_to === undefined))
      throw new OpenPactError('INVALID_INPUT', { reason: 'give either `ids` or `up_to`.' })
    const { key } = await inboxOwner(call)
    const { store } = call.use(inboxes)
    const reader = await call.use(inboxes).upToDate(call.pact, key)
    const stranger = ids?.find(id => !store.has(reader, id))
    if (stranger !== undefined) throw new OpenPactError('MESSAGE_UNKNOWN', { id: stranger })
    const [seq = 0] = up_to === undefined ? [] : (placeOf(up_to, 1) ?? [])
    const marked = ids ? store.markRead(reader, ids, Date.now()) : store.markUpTo(reader, seq, Date.now())
    return { marked, unread: store.counts(reader).reduce((sum, each) => sum + each, 0) }
  },
})

export const followTopics = operation({
  name: 'messages.follow',
  summary: 'Choose the roles and topics whose messages come into the own inbox',
  description:
    'Each list given replaces the one before. With no topics, messages on all topics come in. `admin` and `member` come in by the ' +
    'seat of the identity. What was read stays read.',
  http: 'PUT /inbox/follows',
  access: 'read',
  input: Type.Object({
    roles: Type.Optional(Type.Array(Role, { maxItems: 64, uniqueItems: true })),
    topics: Type.Optional(Type.Array(Topic, { maxItems: 256, uniqueItems: true })),
    all_topics: Type.Optional(Type.Boolean({ description: 'The same as an empty list of topics' })),
  }),
  output: Type.Object({ roles: Type.Array(Type.String()), topics: Type.Array(Type.String()), unread: Type.Integer() }),
  cli: { path: 'inbox follow' },
  async run({ roles, topics, all_topics }, call) {
    const { key } = await inboxOwner(call)
    const { store } = call.use(inboxes)
    const reader = store.reader(call.pact.id, key)
    const wanted = all_topics ? [] : (topics ?? reader.topics)
    store.follow(reader, roles ?? reader.roles, wanted)
    const now = await call.use(inboxes).upToDate(call.pact, key)
    return { roles: now.roles, topics: now.topics, unread: store.counts(now).reduce((sum, each) => sum + each, 0) }
  },
})

/** Whose inbox: the caller's, or that of another agent of this machine. @throws OpenPactError RECIPIENT_UNKNOWN, INBOX_ELSEWHERE */
async function inboxOwner(call: Call, agent: string = ME): Promise<{ key: string; handle: string }> {
  const { kernel, caller } = call
  const own = agent === ME ? kernel.identity.agent(caller.agent) : null
  if (own) return { key: own.key.toString('hex'), handle: own.handle }
  const { key, name } = await namedAgent(call, agent)
  const handle = handleOf(name, key)
  const local = kernel.identity.agents().some(each => each.key.toString('hex') === key)
  if (!local) throw new OpenPactError('INBOX_ELSEWHERE', { agent: handle })
  return { key, handle }
}

/** Rows with the messages they stand for. One that a reorder took away is forgotten, and the page is filled from what follows. */
function standing(
  { use, pact }: { use: Call['use']; pact: Pact },
  list: (place: InboxPlace, count: number) => InboxRow[],
  place: InboxPlace,
  limit: number,
): [InboxRow, MessageRow][] {
  const model = use(readModel)
  const { store }: { store: InboxStore } = use(inboxes)
  for (;;) {
    const rows = list(place, limit)
    const found = rows.map(row => [row, messageRow(model, pact, row.message)] as const)
    const gone = found.filter(([, message]) => message === null)
    // While a table is being filled, what is not in it may only not be in it yet.
    if (gone.length === 0 || model.progress(pact).partial)
      return found.flatMap(([row, message]) => (message ? [[row, message]] : []))
    for (const [row] of gone) store.forget(row)
  }
}

function placeIn({ seq, urgency }: InboxRow, all: boolean): number[] {
  return all ? [seq] : [urgency, seq]
}

/** @throws OpenPactError CURSOR_INVALID */
function placeOf(cursor: string | undefined, length: number): InboxPlace {
  if (cursor === undefined) return null
  const place = decodeCursor(cursor)
  if (place?.length !== length || !place.every(part => Number.isSafeInteger(part) && Number(part) >= 0))
    throw new OpenPactError('CURSOR_INVALID')
  return place as number[]
}
