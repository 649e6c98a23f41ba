/** `digest.read`: what is new for the agent that asks. */
import { OpenPactError, Type } from '../../kernel/index.ts'
import { events } from '../events/service.ts'
import { type Call, operation } from '../operations/operation.ts'
import { Digest, fitted } from './items.ts'
import { newsFor, type Reader } from './news.ts'
import { memory } from './service.ts'

const TOKENS = 400

export const readDigest = operation({
  name: 'digest.read',
  summary: 'What is new for you since you last asked: each thing once',
  description:
    'Messages for the agent that asks, entries by others, tasks that are assigned to it, free, or done for it, and its own claims ' +
    'that are about to end. What was told is not told again, on whatever surface; `peek` tells it without counting it as told.',
  http: 'POST /digest',
  // What it changes is only what this machine remembers for the agent itself.
  access: 'read',
  input: Type.Object({
    peek: Type.Optional(Type.Boolean({ description: 'Look without counting it as told' })),
    max_tokens: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 8000,
        description: `Length of the answer at most, in tokens of 4 bytes (${TOKENS})`,
      }),
    ),
  }),
  output: Digest,
  cli: { path: 'digest' },
  mcp: {
    tool: 'whats_new',
    use: 'Use when you begin a session and after a pause: it tells what others wrote, said and finished since, and what waits for you.',
  },
  async run({ peek = false, max_tokens = TOKENS }, call) {
    const reader = readerOf(call)
    const feed = call.use(events)
    const known = call.use(memory)
    const { id } = call.pact
    await feed.settled(call.pact)
    const head = feed.head()
    const before = known.cursor(id, reader.key)
    // At once, so that of two that ask at the same time only one is told.
    if (!peek) known.move(id, reader.key, head)
    try {
      const all = await newsFor(reader, call, before ?? 0, head)
      const told = (what: string) => known.told(id, reader.key, what)
      const news = all.filter(({ what, after }) => !told(what) && (after === undefined || told(after)))
      if (!peek)
        known.remember(
          id,
          reader.key,
          news.filter(({ again }) => again).map(({ what }) => what),
        )
      return fitted(
        news.map(({ item }) => item),
        max_tokens,
      )
    } catch (error) {
      if (!peek && known.cursor(id, reader.key) === head) known.move(id, reader.key, before)
      throw error
    }
  },
})

function readerOf({ kernel, caller }: Call): Reader {
  const agent = kernel.identity.agent(caller.agent)
  if (!agent) throw new OpenPactError('UNAUTHENTICATED')
  return { key: agent.key.toString('hex'), handle: agent.handle, identity: kernel.identity.key.toString('hex') }
}
