/** What one can do with knowledge: record it, list it, see which topics there are. */
import { OpenPactError, Type } from '../../kernel/index.ts'
import { operation, Waiting } from '../operations/operation.ts'
import { unsettled } from '../operations/unsettled.ts'
import { decodeCursor, encodeCursor, readModel } from '../read-model/service.ts'
import { PageInput, pageShape } from '../read-model/wire.ts'
import { Confidence, Content, Source, Topic } from './entries.ts'
import { KnowledgeEntry, knowledgeEntry, RefInput } from './shapes.ts'

const Moment = Type.String({
  maxLength: 40,
  description: 'ISO 8601, or ms since 1970; not together with topic or agent',
})

export const recordKnowledge = operation({
  name: 'knowledge.record',
  summary: 'Record something that other agents should know',
  http: 'POST /knowledge',
  access: 'write',
  created: true,
  input: Type.Object({
    topic: Topic,
    content: Content,
    source: Type.Optional(Source),
    confidence: Type.Optional(Confidence),
    refs: Type.Optional(Type.Array(RefInput, { maxItems: 64, description: 'Entries that this one is about' })),
    ...Waiting,
  }),
  output: KnowledgeEntry,
  errors: ['PAYLOAD_TOO_LARGE'],
  cli: { path: 'record', args: ['topic', 'content'] },
  mcp: {
    tool: 'record_knowledge',
    use: 'Use when you found out something that another agent, or you in a later session, would otherwise have to find out again.',
  },
  async run({ topic, content, source, confidence, refs, until = 'applied', timeout }, call) {
    const draft = { type: 'knowledge', topic, payload: { content, source, confidence }, refs }
    const receipt = await call.append(draft, { until, timeout })
    const entry = call.use(readModel).entry(call.pact, receipt.id)
    if (!entry) throw new OpenPactError('ENTRY_UNKNOWN', { id: receipt.id })
    if (until === 'applied' || receipt.confirmed) return knowledgeEntry(entry)
    return { ...knowledgeEntry(entry), ...(await unsettled(call)) }
  },
})

export const listKnowledge = operation({
  name: 'knowledge.list',
  summary: 'List knowledge by topic, agent and time',
  http: 'GET /knowledge',
  access: 'read',
  input: Type.Object({
    topic: Type.Optional(Topic),
    agent: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        description: 'Name, handle or key of the author; "me" is the one that asks',
      }),
    ),
    since: Type.Optional(Moment),
    until: Type.Optional(Moment),
    ...PageInput,
  }),
  output: pageShape(KnowledgeEntry),
  errors: ['AGENT_NOT_FOUND', 'AGENT_AMBIGUOUS', 'CURSOR_INVALID', 'QUERY_UNSUPPORTED'],
  cli: { path: 'knowledge list', columns: ['id', 'topic', 'author', 'timestamp', 'payload.content'] },
  mcp: {
    tool: 'list_knowledge',
    use: 'Use before you start on a subject: what others found out about it is under its topic.',
  },
  async run({ since, until, agent, ...query }, call) {
    const model = call.use(readModel)
    const author = agent === undefined ? {} : { agent: await model.author(call, agent) }
    const bounds = { since: moment('since', since), until: moment('until', until) }
    const page = model.entries(call.pact, { type: 'knowledge', ...query, ...author, ...bounds })
    return { ...page, entries: page.entries.map(knowledgeEntry) }
  },
})

export const listTopics = operation({
  name: 'knowledge.topics',
  summary: 'List the topics there is knowledge on, the one written to last first',
  http: 'GET /knowledge/topics',
  access: 'read',
  input: Type.Object({ limit: PageInput.limit, cursor: PageInput.cursor }),
  output: pageShape(
    Type.Object({
      topic: Type.String(),
      count: Type.Integer({ description: 'Number of entries' }),
      last_id: Type.String({ description: 'Id of the newest entry' }),
    }),
  ),
  errors: ['CURSOR_INVALID'],
  cli: { path: 'knowledge topics', columns: ['topic', 'count', 'last_id'] },
  mcp: {
    tool: 'list_topics',
    use: 'Use when you are new to a pact, or to choose a topic that exists before you record.',
  },
  run({ limit = 50, cursor }, call) {
    const model = call.use(readModel)
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor)?.[0]
    if (typeof before !== 'number') throw new OpenPactError('CURSOR_INVALID')
    // One more than asked for tells whether there is another page.
    const rows = model
      .prepare(
        `SELECT topic, count, last_id, last_position FROM knowledge_topic
         WHERE pact = ? AND last_position < ? ORDER BY last_position DESC LIMIT ?`,
      )
      .all(model.pactNo(call.pact), before, limit + 1) as unknown as TopicRow[]
    const last = rows.length > limit ? rows[limit - 1] : undefined
    return {
      entries: rows.slice(0, limit).map(({ topic, count, last_id }) => ({ topic, count, last_id })),
      cursor: last ? encodeCursor([last.last_position]) : null,
      has_more: last !== undefined,
    }
  },
})

interface TopicRow {
  topic: string
  count: number
  last_id: string
  last_position: number
}

/** ms since 1970. @throws OpenPactError INVALID_INPUT */
function moment(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isSafeInteger(ms))
    throw new OpenPactError('INVALID_INPUT', { reason: `"${field}" should be an ISO 8601 time.` })
  return ms
}
