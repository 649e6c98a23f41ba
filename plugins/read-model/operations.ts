/** Reading entries of any type. Plugins offer their own lists of what their types mean. */
import { OpenPactError, Type } from '../../kernel/index.ts'
import { operation } from '../operations/operation.ts'
import { readModel } from './service.ts'
import { EntryShape, PageInput, pageShape } from './wire.ts'

const EntryId = Type.String({ pattern: '^[0-9a-f]{8}-b?[0-9]{1,15}$', title: 'the id of an entry, like 7f2d1a0b-12' })
const Time = (which: string) =>
  Type.Optional(
    Type.String({
      maxLength: 40,
      description: `${which} time claimed by the author: ISO 8601, or ms since 1970. Needs type`,
    }),
  )

export const getEntry = operation({
  name: 'entries.get',
  summary: 'Read one entry with its author, verdict and place in the ledger',
  http: 'GET /entries/:id',
  access: 'read',
  input: Type.Object({ id: EntryId }),
  output: EntryShape,
  errors: ['ENTRY_UNKNOWN', 'ENTRY_NOT_HERE'],
  cli: { path: 'entry', args: ['id'] },
  mcp: { tool: 'get_entry', use: 'Use when you have the id of an entry and want all of it', idempotent: true },
  async run({ id }, call) {
    const model = call.use(readModel)
    const entry = model.entry(call.pact, id)
    if (entry) return entry
    const orphan = (await call.pact.orphans()).find(record => record.id === id)
    if (!orphan) throw new OpenPactError(model.progress(call.pact).partial ? 'ENTRY_NOT_HERE' : 'ENTRY_UNKNOWN', { id })
    return model.view(call.pact, orphan)
  },
})

export const listEntries = operation({
  name: 'entries.list',
  summary: 'List entries of any type, newest first',
  description:
    'In ledger order. With since or until, in the order of the time that authors claim. topic and agent together need a type; since and until need a type and exclude topic and agent.',
  http: 'GET /entries',
  access: 'read',
  input: Type.Object({
    type: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16, description: 'Types of entries' })),
    topic: Type.Optional(Type.String({ maxLength: 256, description: 'Only entries on this topic' })),
    agent: Type.Optional(
      Type.String({ maxLength: 128, description: 'Name, handle or key of an agent; "me" is the one that asks' }),
    ),
    verdict: Type.Optional(
      Type.Union([Type.Literal('accepted'), Type.Literal('refused'), Type.Literal('any')], {
        description: 'accepted by default',
      }),
    ),
    since: Time('Earliest'),
    until: Time('Latest'),
    ...PageInput,
  }),
  output: pageShape(EntryShape),
  errors: ['AGENT_NOT_FOUND', 'AGENT_AMBIGUOUS', 'CURSOR_INVALID', 'QUERY_UNSUPPORTED'],
  cli: { path: 'entries', columns: ['id', 'type', 'topic', 'author', 'timestamp', 'verdict'] },
  async run({ since, until, agent, ...query }, call) {
    const bounds = {
      ...(since === undefined ? {} : { since: asTime('since', since) }),
      ...(until === undefined ? {} : { until: asTime('until', until) }),
    }
    const model = call.use(readModel)
    const author = agent === undefined ? {} : { agent: await model.author(call, agent) }
    return model.entries(call.pact, { ...query, ...author, ...bounds })
  },
})

export const listReferring = operation({
  name: 'entries.referenced-by',
  summary: 'List the accepted entries that refer to an entry, newest first',
  http: 'GET /entries/:id/referenced-by',
  access: 'read',
  input: Type.Object({
    id: EntryId,
    type: Type.Optional(Type.String({ maxLength: 64, description: 'Type of the reference, e.g. contradicts' })),
    ...PageInput,
  }),
  output: pageShape(EntryShape),
  errors: ['CURSOR_INVALID'],
  cli: { path: 'referenced-by', args: ['id'], columns: ['id', 'type', 'topic', 'author', 'timestamp'] },
  run({ id, ...options }, call) {
    return call.use(readModel).referencedBy(call.pact, id, options)
  },
})

/** ms since 1970. @throws OpenPactError INVALID_INPUT */
export function asTime(field: string, text: string): number {
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isSafeInteger(time) || time < 0)
    throw new OpenPactError('INVALID_INPUT', {
      reason: `${field}: a time like 2026-01-31T12:00:00Z, or ms since 1970, is wanted`,
    })
  return time
}
