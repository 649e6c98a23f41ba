/** A tiny plugin for tests of the surfaces: one operation or route per behaviour. */
import { once } from 'node:events'
import { defineErrors, definePlugin, OpenPactError, Type } from '../../kernel/index.ts'
import { defineRules, isRecord } from '../../kernel/rules.ts'
import { route } from '../../plugins/http/route.ts'
import { operation } from '../../plugins/operations/operation.ts'

defineErrors({
  TOY_REFUSED: { kind: 'conflict', message: 'The toy "{name}" is refused ({id}).', help: 'Choose another name.' },
})

/** Refuses toys by their name, one with a verdict that has a code and one without. */
const rules = defineRules({
  protocol: 1,
  types: ['toy'],
  validate: ({ payload }) => {
    const name = isRecord(payload) ? payload.name : null
    return name === 'forbidden' ? 'toy-refused' : name === 'odd' ? 'toy-odd' : undefined
  },
})

const Toy = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 80 }),
  colour: Type.Optional(Type.Union([Type.Literal('red'), Type.Literal('blue')])),
  parts: Type.Optional(Type.Unknown()),
})

const Receipt = Type.Object({ id: Type.String(), position: Type.Integer(), confirmed: Type.Boolean() })

/** What happened inside operations, for tests to look at. */
export const happened: string[] = []

/** Ends a running `toys.hold`. */
export const held: { release: () => void } = { release: () => {} }

const create = operation({
  name: 'toys.create',
  summary: 'Make a toy',
  http: 'POST /toys',
  access: 'write',
  created: true,
  input: Toy,
  output: Receipt,
  errors: ['TOY_REFUSED'],
  cli: { path: 'toy make', args: ['name'] },
  run: async (input, call) => {
    const draft = { type: 'toy', topic: 'toys', payload: input }
    const { id, position, confirmed } = await call.append(draft, { details: { name: input.name } })
    return { id, position, confirmed }
  },
})

const pair = operation({
  name: 'toys.pair',
  summary: 'Make two toys in one call',
  http: 'POST /pairs',
  access: 'write',
  input: Type.Object({ left: Type.String(), right: Type.String() }),
  output: Type.Object({ ids: Type.Array(Type.String()) }),
  run: async ({ left, right }, call) => {
    const receipts = []
    for (const name of [left, right]) receipts.push(await call.append({ type: 'toy', payload: { name } }))
    return { ids: receipts.map(({ id }) => id) }
  },
})

const get = operation({
  name: 'toys.get',
  summary: 'Get a toy',
  http: 'GET /toys/:id',
  access: 'read',
  input: Type.Object({ id: Type.String(), loud: Type.Optional(Type.Boolean()) }),
  output: Type.Object({ id: Type.String(), loud: Type.Boolean() }),
  run: ({ id, loud = false }) => ({ id, loud }),
})

const paint = operation({
  name: 'toys.paint',
  summary: 'Paint a toy',
  http: 'PUT /toys/:id/paint',
  access: 'write',
  input: Type.Object({ id: Type.String(), colour: Type.Optional(Type.String()) }),
  output: Type.Object({ id: Type.String(), colour: Type.String() }),
  run: ({ id, colour = 'red' }) => ({ id, colour }),
})

const list = operation({
  name: 'toys.list',
  summary: 'List toys',
  http: 'GET /toys',
  access: 'read',
  input: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 2 })),
    topic: Type.Optional(Type.String()),
    cursor: Type.Optional(Type.String()),
  }),
  output: Type.Object({
    entries: Type.Array(Type.Integer()),
    cursor: Type.Union([Type.String(), Type.Null()]),
    has_more: Type.Boolean(),
  }),
  run: ({ limit = 2, cursor = '0' }) => {
    const from = Number(cursor)
    const to = Math.min(5, from + limit)
    const entries = Array.from({ length: to - from }, (_, i) => from + i)
    return { entries, cursor: to < 5 ? String(to) : null, has_more: to < 5 }
  },
})

const hold = operation({
  name: 'toys.hold',
  summary: 'Answer only when released or given up',
  http: 'GET /holding',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({ held: Type.Boolean() }),
  run: async (_input, call) => {
    happened.push('held')
    await new Promise<void>((resolve, reject) => {
      held.release = resolve
      call.signal.addEventListener('abort', () => {
        happened.push('aborted')
        reject(call.signal.reason)
      })
    })
    return { held: true }
  },
})

const holdWrite = operation({
  name: 'toys.hold-write',
  summary: 'Write only when released',
  http: 'POST /holding',
  access: 'write',
  input: Type.Object({ name: Type.String() }),
  output: Type.Object({ held: Type.Boolean() }),
  run: async () => {
    happened.push('held')
    await new Promise<void>(resolve => {
      held.release = resolve
    })
    return { held: true }
  },
})

const crash = operation({
  name: 'toys.crash',
  summary: 'Fail without a code',
  http: 'GET /crash',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({}),
  run: () => {
    throw new Error('secret at /home/user/.openpact/token')
  },
})

const refuse = operation({
  name: 'toys.refuse',
  summary: 'Fail with a code',
  http: 'DELETE /toys/:id',
  access: 'write',
  input: Type.Object({ id: Type.String() }),
  output: Type.Object({}),
  run: ({ id }) => {
    throw new OpenPactError('ENTRY_UNKNOWN', { id })
  },
})

const later = operation({
  name: 'toys.later',
  summary: 'Answer before it is settled',
  http: 'POST /later',
  scope: 'daemon',
  access: 'write',
  input: Type.Object({}),
  output: Type.Object({ pending: Type.Boolean() }),
  run: (_input, call) => {
    call.pending()
    return { pending: true }
  },
})

const wrong = operation({
  name: 'toys.wrong',
  summary: 'Answer something else than declared',
  http: 'GET /wrong',
  scope: 'daemon',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({ number: Type.Integer() }),
  run: () => ({ number: 'none' }) as never,
})

const free = operation({
  name: 'toys.free',
  summary: 'Needs no token',
  http: 'GET /free',
  scope: 'daemon',
  access: 'open',
  input: Type.Object({}),
  output: Type.Object({ agent: Type.String() }),
  run: (_input, call) => ({ agent: call.caller.agent }),
})

const stream = route({
  method: 'GET',
  path: '/v1/toys/stream',
  access: 'read',
  summary: 'A stream that ends with its signal',
  handle: async ({ reply, signal }) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write(': hello\n\n')
    happened.push('held')
    if (!signal.aborted) await once(signal, 'abort')
    happened.push('stream ended')
    reply.raw.end()
  },
})

const broken = route({
  method: 'POST',
  path: '/v1/toys/broken',
  access: 'open',
  summary: 'Fails in the middle of its answer',
  handle: ({ reply }) => {
    reply.raw.writeHead(200)
    reply.raw.write('half')
    throw new Error('secret at /home/user')
  },
})

export const toys = definePlugin({
  name: 'toys',
  version: '0.0.0',
  api: 1,
  summary: 'For tests',
  entryTypes: [{ name: 'toy', v: 1, summary: 'A toy', payload: Toy }],
  rules,
  contributes: [create, pair, get, paint, list, hold, holdWrite, crash, refuse, later, wrong, free, stream, broken],
})
