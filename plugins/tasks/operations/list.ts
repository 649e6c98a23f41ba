import { OpenPactError, Type } from '../../../kernel/index.ts'
import { operation } from '../../operations/operation.ts'
import { decodeCursor, encodeCursor, readModel } from '../../read-model/service.ts'
import { PageInput, pageShape } from '../../read-model/wire.ts'
import { Assignee, assigneeKey } from '../assignee.ts'
import { listRows, type Place, readyRows } from '../queries.ts'
import { statesOf } from '../reading.ts'
import { Status, type TaskRow, TaskState } from '../state.ts'

export const listTasks = operation({
  name: 'tasks.list',
  summary: 'List tasks by status, topic and assignee, or those that can be claimed now',
  description:
    '`ready` lists what can be claimed now: open, or claimed with a lease that ran out, and everything it depends on complete; ' +
    'the most urgent first, then the oldest. Other lists are in the order in which the tasks were recorded, newest first by default.',
  http: 'GET /tasks',
  access: 'read',
  input: Type.Object({
    status: Type.Optional(Status),
    topic: Type.Optional(Type.String({ maxLength: 256, description: 'Only tasks on this topic' })),
    assignee: Type.Optional(Assignee),
    ready: Type.Optional(
      Type.Boolean({ description: 'Only what can be claimed now; `status` and `order` do not go with it' }),
    ),
    ...PageInput,
  }),
  output: pageShape(TaskState),
  errors: ['AGENT_NOT_FOUND', 'AGENT_AMBIGUOUS', 'CURSOR_INVALID'],
  cli: { path: 'task list', columns: ['id', 'status', 'priority', 'topic', 'title', 'claimed_by', 'lease_until'] },
  mcp: {
    tool: 'list_tasks',
    use: 'Use when you look for work: `ready: true` lists what can be claimed now, most urgent first.',
  },
  async run({ status, topic, assignee, ready, order, limit = 50, cursor }, call) {
    if (ready && (status || order))
      throw new OpenPactError('INVALID_INPUT', { reason: 'ready goes without status and order.' })
    const { pact } = call
    const model = call.use(readModel)
    const key = assignee === undefined ? undefined : await assigneeKey(call, assignee, { revoked: true })
    const filter = { topic, assignee: key }
    // One more than asked for tells whether there is another page.
    const page = { limit: limit + 1, after: placeOf(cursor, ready ? 2 : 1) }
    let rows: TaskRow[] = []
    const select = (time: number) => {
      rows = ready
        ? readyRows(model, pact, filter, { ...page, time })
        : listRows(model, pact, { ...filter, status }, { ...page, order: order ?? 'desc' })
      return rows.slice(0, limit)
    }
    const entries = await statesOf(model, pact, select, ready === true)
    const last = rows.length > limit ? rows[limit - 1] : undefined
    return {
      entries,
      cursor: last ? encodeCursor(ready ? [last.urgency, last.position] : [last.position]) : null,
      has_more: last !== undefined,
      ...(model.progress(pact).partial ? { partial: true as const } : {}),
    }
  },
})

/** @throws OpenPactError CURSOR_INVALID */
function placeOf(cursor: string | undefined, length: number): Place {
  if (cursor === undefined) return null
  const place = decodeCursor(cursor)
  if (place?.length !== length || !place.every(part => Number.isSafeInteger(part)))
    throw new OpenPactError('CURSOR_INVALID')
  return place as number[]
}
