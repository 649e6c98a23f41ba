import { OpenPactError, type Pact, Type } from '../../../kernel/index.ts'
import { type Call, operation, Waiting } from '../../operations/operation.ts'
import { unsettled } from '../../operations/unsettled.ts'
import { type EntryView, type ReadModel, readModel } from '../../read-model/service.ts'
import { RefShape } from '../../read-model/wire.ts'
import { Content, type MessagePayload, Priority, Role, Topic } from '../entries.ts'
import { messageRow } from '../queries.ts'
import { Recipient, recipientKey } from '../recipient.ts'
import { MessageEntry, messagesOf } from '../shapes.ts'

export const sendMessage = operation({
  name: 'messages.send',
  summary: 'Say something to all agents of the pact, to one, to a role or on a topic',
  description:
    'Without `to`, `role` and `topic` it goes to everybody. With `to` or `role`, `topic` only says what it is about. A reply goes ' +
    'where the message went that it answers, or to its author if that was for one agent alone, unless it says otherwise.',
  http: 'POST /messages',
  access: 'write',
  created: true,
  input: Type.Object({
    content: Content,
    to: Type.Optional(Recipient),
    role: Type.Optional(Role),
    topic: Type.Optional(Topic),
    priority: Type.Optional(Priority),
    reply_to: Type.Optional(Type.String({ maxLength: 64, description: 'Id of the message that this one answers' })),
    refs: Type.Optional(
      Type.Array(Type.Union([Type.String({ description: 'Id of an entry that is related' }), RefShape]), {
        maxItems: 63,
        description: 'Entries that this one is about',
      }),
    ),
    ...Waiting,
  }),
  output: MessageEntry,
  errors: ['RECIPIENT_UNKNOWN', 'RECIPIENT_AMBIGUOUS', 'MESSAGE_UNKNOWN', 'PAYLOAD_TOO_LARGE'],
  cli: { path: 'message', args: ['content'] },
  mcp: {
    tool: 'send_message',
    use: 'Use when another agent should hear something now: a question, a warning, an answer. What stays true is knowledge instead.',
  },
  async run({ content, to, role, topic, priority, reply_to, refs = [], until = 'applied', timeout }, call) {
    if (to !== undefined && role !== undefined)
      throw new OpenPactError('INVALID_INPUT', {
        reason: 'a message is for an agent (`to`) or for a `role`, not both.',
      })
    const model = call.use(readModel)
    const key = to === undefined ? undefined : await recipientKey(call, to)
    const said = { to: key, role, topic }
    const target = reply_to === undefined ? said : replyTarget(call, answered(model, call.pact, reply_to), said)
    const payload: MessagePayload = { content, to: target.to, role: target.role, priority }
    const reply = reply_to === undefined ? [] : [{ id: reply_to, type: 'replies' }]
    const draft = { type: 'message', topic: target.topic, payload, refs: [...reply, ...refs] }
    const receipt = await call.append(draft, { until, timeout })
    const read = () => [messageRow(model, call.pact, receipt.id)].filter(row => row !== null)
    let [entry] = await messagesOf(model, call.pact, read)
    entry ??= preview(model.entry(call.pact, receipt.id), receipt.id, payload)
    if (until === 'applied' || receipt.confirmed) return entry
    return { ...entry, ...(await unsettled(call)) }
  },
})

interface Target {
  to?: string
  role?: string
  topic?: string
}

function answered(model: ReadModel, pact: Pact, id: string): EntryView {
  const entry = model.entry(pact, id)
  if (!entry) throw new OpenPactError('MESSAGE_UNKNOWN', { id })
  return entry
}

/** What a reply does not say, it takes from what it answers. */
function replyTarget({ kernel, caller }: Call, { type, topic, payload, agent }: EntryView, said: Target): Target {
  const about = said.topic ?? (topic || undefined)
  if (said.to !== undefined || said.role !== undefined || said.topic !== undefined) return { ...said, topic: about }
  if (type !== 'message') return { topic: about }
  const { to, role } = payload as MessagePayload
  const own = kernel.identity.agent(caller.agent)?.key.toString('hex') === agent
  return { to: to === undefined || own ? to : agent, role, topic: about }
}

/** A new message on a machine that is still indexing older history. */
function preview(entry: EntryView | null, id: string, payload: MessagePayload): MessageEntry {
  if (!entry) throw new OpenPactError('ENTRY_UNKNOWN', { id })
  const { to = null, role = null, priority = 'normal' } = payload
  return { ...entry, to, role, priority, thread: entry.refs.find(({ type }) => type === 'replies')?.id ?? id }
}
