/** Sixteen agents on two daemons write to eight pacts at once: nothing is lost or told twice, and everything says who wrote it. */
import { startNetwork, TestDaemon } from '../support/daemon.ts'
import { Prng } from './prng.ts'
import type { Outcome } from './run.ts'

const AGENTS = 16
const PACTS = 8
/** ms that both machines have to agree after the last write. */
const AGREEING = 60_000

interface Agent {
  name: string
  handle: string
  token: string
  daemon: TestDaemon
}

interface Entry {
  id: string
  author: string
  payload: { content: string }
}

/** @param seconds how long everybody writes */
export async function crowd(seed: number, seconds: number, progress: (line: string) => void): Promise<Outcome> {
  const started = performance.now()
  const faults: string[] = []
  const network = await startNetwork()
  const daemons = await Promise.all([TestDaemon.start({ network }), TestDaemon.start({ network })])
  /** By pact: what was acknowledged, content by id, with its author's handle. */
  const written = new Map<string, Map<string, { content: string; handle: string }>>()
  let entries = 0
  try {
    const aliases = Array.from({ length: PACTS }, (_, i) => `crowd-${i}`)
    for (const alias of aliases) {
      await found(daemons, alias)
      written.set(alias, new Map())
    }
    const agents: Agent[] = []
    for (let i = 0; i < AGENTS; i++) agents.push(await addAgent(daemons[i % 2] as TestDaemon, `agent-${i}`))
    const end = performance.now() + seconds * 1000
    const tick = setInterval(() => progress(`${entries} entries`), 10_000)
    await Promise.all(
      agents.map(async (agent, number) => {
        const prng = new Prng(seed * 100 + number)
        for (let i = 0; performance.now() < end; i++) {
          const alias = aliases[prng.int(0, PACTS - 1)] as string
          const content = `${agent.name} says ${i}`
          const headers = { authorization: `Bearer ${agent.token}` }
          const path = `/v1/pacts/${alias}/knowledge`
          const answer = await agent.daemon.post<Entry>(path, { topic: agent.name, content }, headers)
          if (answer.status === 201) {
            const known = written.get(alias) as Map<string, { content: string; handle: string }>
            if (known.has(answer.body.id)) faults.push(`${alias}: the id ${answer.body.id} was answered twice`)
            known.set(answer.body.id, { content, handle: agent.handle })
            entries++
          } else faults.push(`${alias}: ${agent.name} got ${answer.status} ${JSON.stringify(answer.body)}`)
        }
      }),
    )
    clearInterval(tick)
    for (const daemon of daemons)
      for (const [alias, expected] of written) faults.push(...(await compare(daemon, alias, expected)))
  } finally {
    for (const daemon of daemons) await daemon.dispose()
    await network.close()
  }
  const ms = performance.now() - started
  return { seed, faults, entries, closes: 0, kills: 0, reverts: 0, nudges: 0, repairs: 0, waits: 0, ms, kept: null }
}

async function found([one, other]: readonly TestDaemon[], alias: string): Promise<void> {
  await one?.post('/v1/pacts', { name: alias, alias })
  const invited = await one?.post<{ token: string }>(`/v1/pacts/${alias}/invites`, {})
  const joined = await other?.post('/v1/pacts/join', { token: invited?.body.token, alias })
  if (!joined || joined.status >= 300) throw new Error(`joining ${alias}: ${JSON.stringify(joined?.body)}`)
}

async function addAgent(daemon: TestDaemon, name: string): Promise<Agent> {
  const { status, body } = await daemon.post<{ handle: string; token: string }>('/v1/agents', { name })
  if (status !== 201) throw new Error(`adding ${name}: ${JSON.stringify(body)}`)
  return { name, handle: body.handle, token: body.token, daemon }
}

/** What of a pact is missing, too much, or not its author's on one daemon, once it had time to hear of everything. */
async function compare(
  daemon: TestDaemon,
  alias: string,
  expected: Map<string, { content: string; handle: string }>,
): Promise<string[]> {
  const deadline = performance.now() + AGREEING
  let found = await readAll(daemon, alias)
  while (found.length < expected.size && performance.now() < deadline) {
    await new Promise(resolve => setTimeout(resolve, 500))
    found = await readAll(daemon, alias)
  }
  const faults: string[] = []
  const seen = new Set<string>()
  for (const { id, author, payload } of found) {
    const own = expected.get(id)
    if (!own) faults.push(`${alias}: nobody was told of ${id}`)
    else if (own.content !== payload.content) faults.push(`${alias}: ${id} holds "${payload.content}"`)
    else if (own.handle !== author) faults.push(`${alias}: ${id} of ${own.handle} is said to be of ${author}`)
    if (seen.has(id)) faults.push(`${alias}: ${id} is listed twice`)
    seen.add(id)
  }
  for (const id of expected.keys()) if (!seen.has(id)) faults.push(`${alias}: ${id} is missing`)
  return faults
}

async function readAll(daemon: TestDaemon, alias: string): Promise<Entry[]> {
  const all: Entry[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { entries: Entry[]; cursor: string | null; has_more: boolean } = (
      await daemon.get<{ entries: Entry[]; cursor: string | null; has_more: boolean }>(
        `/v1/pacts/${alias}/knowledge?limit=200${cursor && `&cursor=${cursor}`}`,
      )
    ).body
    all.push(...page.entries)
    cursor = page.has_more ? page.cursor : null
  }
  return all
}
