import { OpenPactError, Type } from '../../../kernel/index.ts'
import { type Call, operation } from '../../operations/operation.ts'
import { decodeCursor, encodeCursor, readModel } from '../../read-model/service.ts'
import { PageInput, pageShape } from '../../read-model/wire.ts'
import { agentAudience, roleAudience } from '../audience.ts'
import { Priority, priorities, Role, Topic } from '../entries.ts'
import { type Filter, listRows, type MessageRow, messageRow, threadRows } from '../queries.ts'
import { namedAgent, Recipient, recipientKey } from '../recipient.ts'
import { MessageEntry, messagesOf } from '../shapes.ts'

export const listMessages = operation({
  name: 'messages.list',
  summary: 'List messages by recipient, role, topic, author and priority',
  description: 'In the order of the ledger, whoever they are for. What is new for one agent is in its inbox.',
  http: 'GET /messages',
  access: 'read',
  input: Type.Object({
    to: Type.Optional(Recipient),
    role: Type.Optional(Role),
    topic: Type.Optional(Topic),
    agent: Type.Optional(Recipient),
    priority: Type.Optional(Priority),
    ...PageInput,
  }),
  output: pageShape(MessageEntry),
  errors: ['RECIPIENT_UNKNOWN', 'RECIPIENT_AMBIGUOUS', 'CURSOR_INVALID', 'QUERY_UNSUPPORTED'],
  cli: { path: 'message list', columns: ['id', 'priority', 'author', 'to', 'role', 'topic', 'payload.content'] },
  mcp: { tool: 'list_messages', use: 'Use when you look for what was said on a topic, or by or to somebody.' },
  async run({ to, role, topic, agent, priority, order = 'desc', limit = 50, cursor }, call) {
    const model = call.use(readModel)
    const filter = await filterOf(call, { to, role, topic, agent })
    const urgency = priority === undefined ? null : priorities.length - 1 - priorities.indexOf(priority)
    // One more than asked for tells whether there is another page.
    const bounds = { order, limit: limit + 1, after: placeOf(cursor) }
    return page(limit, take =>
      messagesOf(model, call.pact, () => take(listRows(model, call.pact, filter, urgency, bounds))),
    )
  },
})

export const showThread = operation({
  name: 'messages.thread',
  summary: 'Show a message with everything that was replied to it and around it',
  http: 'GET /messages/:id/thread',
  access: 'read',
  input: Type.Object({
    id: Type.String({ maxLength: 64, description: 'Id of any message of the thread' }),
    limit: PageInput.limit,
    cursor: PageInput.cursor,
  }),
  output: pageShape(MessageEntry),
  errors: ['MESSAGE_UNKNOWN', 'CURSOR_INVALID'],
  cli: { path: 'message thread', args: ['id'], columns: ['id', 'author', 'to', 'timestamp', 'payload.content'] },
  mcp: {
    tool: 'show_thread',
    use: 'Use when you need what was said before in a conversation; the oldest comes first.',
  },
  run({ id, limit = 50, cursor }, call) {
    const model = call.use(readModel)
    const thread = messageRow(model, call.pact, id)?.thread ?? (model.entry(call.pact, id) && id)
    if (!thread) throw new OpenPactError('MESSAGE_UNKNOWN', { id })
    const after = placeOf(cursor)
    return page(limit, take =>
      messagesOf(model, call.pact, () => take(threadRows(model, call.pact, thread, limit + 1, after))),
    )
  },
})

/** A page of the rows that `read` hands to `take`: all but the one too many. */
async function page(limit: number, read: (take: (rows: MessageRow[]) => MessageRow[]) => Promise<MessageEntry[]>) {
  let last: MessageRow | undefined
  const entries = await read(rows => {
    last = rows.length > limit ? rows[limit - 1] : undefined
    return rows.slice(0, limit)
  })
  return { entries, cursor: last ? encodeCursor([last.position]) : null, has_more: last !== undefined }
}

/** @throws OpenPactError RECIPIENT_UNKNOWN, QUERY_UNSUPPORTED */
async function filterOf(
  call: Call,
  { to, role, topic, agent }: { to?: string; role?: string; topic?: string; agent?: string },
): Promise<Filter> {
  const given = [to, role, topic, agent].filter(value => value !== undefined)
  if (given.length > 1)
    throw new OpenPactError('QUERY_UNSUPPORTED', { reason: 'one of to, role, topic and agent, and priority beside it' })
  if (to !== undefined) return { column: 'audience', value: agentAudience(await recipientKey(call, to)) }
  if (role !== undefined) return { column: 'audience', value: roleAudience(role) }
  if (topic !== undefined) return { column: 'topic', value: topic }
  return agent === undefined ? null : { column: 'agent', value: (await namedAgent(call, agent)).key }
}

/** @throws OpenPactError CURSOR_INVALID */
function placeOf(cursor: string | undefined): number | null {
  if (cursor === undefined) return null
  const place = decodeCursor(cursor)
  if (place?.length !== 1 || !Number.isSafeInteger(place[0])) throw new OpenPactError('CURSOR_INVALID')
  return Number(place[0])
}
