/** kill -9 in the middle of writing: what was acknowledged is there, once; a retry with the same Idempotency-Key writes nothing new. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { TestDaemon } from '../support/daemon.ts'

// Each test starts several processes; a busy machine is given time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

interface Page {
  entries: { id: string; payload: { source: string } }[]
  cursor: string | null
  has_more: boolean
}

/** 20 are what is promised: OPENPACT_CRASH_ROUNDS=20; every run of the tests does a few. */
const rounds = Number(process.env.OPENPACT_CRASH_ROUNDS ?? 8)
const writers = 4
const knowledge = '/v1/pacts/first/knowledge'

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await TestDaemon.start({ args: ['--first-pact', '--config', offline] })
})
afterAll(() => daemon.dispose())

/** These tests need no other machine. */
const offline = new URL('../support/offline.config.json', import.meta.url).pathname

it(`loses nothing acknowledged and repeats nothing over ${rounds} kills`, async () => {
  const acknowledged = new Map<string, string>()
  const unanswered: string[] = []
  const random = seeded(20_261_122)
  for (let round = 0; round < rounds; round++) {
    // Counted, not timed: every round is killed while all writers are in the middle of something.
    const target = 1 + Math.floor(random() * 60)
    let answered = 0
    let killed: Promise<void> | null = null
    const write = async (writer: number) => {
      for (let n = 0; !killed; n++) {
        const source = `${round}/${writer}/${n}`
        try {
          const { status, body } = await post(source)
          expect(status).toBe(201)
          acknowledged.set(source, body.id)
          if (++answered >= target) killed ??= daemon.kill9()
        } catch (error) {
          if (!killed) throw error
          unanswered.push(source)
        }
      }
    }
    await Promise.all(Array.from({ length: writers }, (_, i) => write(i)))
    await killed
    await daemon.start()
    // The writer cannot know whether its last write arrived, so it sends it again with the same key.
    for (const source of unanswered.splice(0)) {
      const { status, body } = await post(source)
      expect(status).toBe(201)
      acknowledged.set(source, body.id)
    }
  }
  const stored = await everything()
  expect(stored.length).toBe(acknowledged.size)
  expect(new Map(stored.map(({ id, payload }) => [payload.source, id]))).toEqual(acknowledged)
  expect(acknowledged.size).toBeGreaterThan(rounds * writers)
}, 240_000)

it('answers 64 posts at once with 64 right ids', async () => {
  const sources = Array.from({ length: 64 }, (_, i) => `at-once/${i}`)
  const answers = await Promise.all(sources.map(post))
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(64)
  for (const [i, { status, body }] of answers.entries()) {
    expect(status).toBe(201)
    const entry = await daemon.get<Page['entries'][0]>(`/v1/pacts/first/entries/${body.id}`)
    expect(entry.body.payload.source).toBe(sources[i])
  }
})

it('answers a retry after a kill with the first entry, and another body under the same key with 422', async () => {
  const first = await post('retried')
  await daemon.kill9()
  await daemon.start()
  const retry = await post('retried')
  expect(retry.status).toBe(201)
  expect(retry.body.id).toBe(first.body.id)
  const other = await daemon.post(knowledge, { topic: 'crash', content: 'other' }, { 'idempotency-key': 'retried' })
  expect(other.status).toBe(422)
  expect(other.body.error).toBe('IDEMPOTENCY_KEY_REUSED')
})

function post(source: string) {
  const body = { topic: 'crash', content: `written by ${source}`, source }
  return daemon.post<{ id: string }>(knowledge, body, { 'idempotency-key': source })
}

async function everything(): Promise<Page['entries']> {
  const all: Page['entries'] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page = (await daemon.get<Page>(`${knowledge}?limit=1000&order=asc${cursor && `&cursor=${cursor}`}`))
      .body
    all.push(...page.entries)
    cursor = page.has_more ? page.cursor : null
  }
  return all
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
