import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Kernel, Pact } from '../../kernel/index.ts'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import knowledge from '../knowledge/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import tasks from '../tasks/index.ts'
import { compileMatch } from './compile.ts'
import events from './index.ts'
import { TypedMatchIndex } from './match-index.ts'
import { Seen } from './occurrence.ts'
import { ENTRY_APPLIED, events as eventsRef, type Match, type Occurrence } from './service.ts'
import { topicGlob } from './topic-glob.ts'

test('a pattern of topics', () => {
  const cases: [string, string[], string[]][] = [
    ['ci', ['ci'], ['CI', 'ci/', 'ci/x', '']],
    ['ci/*', ['ci/', 'ci/x', 'ci/a.b'], ['ci', 'ci/x/y', 'xci/x']],
    ['ci/**', ['ci/', 'ci/x', 'ci/x/y'], ['ci']],
    ['**/docs', ['a/docs', 'a/b/docs', '/docs'], ['docs', 'a/docs/b']],
    ['*', ['x', ''], ['a/b']],
    ['**', ['x', '', 'a/b'], []],
    ['v?.*', ['v1.2', 'vé.'], ['v10.2', 'v/.2']],
    ['*.[js]+(a|b)', ['x.[js]+(a|b)'], ['x.js', 'x.ja']],
    ['a*b*c', ['abc', 'a-b-b-c'], ['ab', 'acb']],
  ]
  for (const [pattern, fits, not] of cases) {
    for (const topic of fits) expect([pattern, topic, topicGlob(pattern).test(topic)]).toEqual([pattern, topic, true])
    for (const topic of not) expect([pattern, topic, topicGlob(pattern).test(topic)]).toEqual([pattern, topic, false])
  }
  const start = performance.now()
  expect(topicGlob(`${'*a'.repeat(120)}b`).test('a'.repeat(256))).toBe(false)
  expect(performance.now() - start).toBeLessThan(1000)
})

const key = (fill: string) => fill.repeat(64)
const kernel = {
  identity: { key: Buffer.alloc(32, 0xee), agents: () => [{ name: 'me', key: Buffer.alloc(32, 0xaa) }] },
  pacts: { find: (id: string) => (id === 'p1' ? { alias: 'team' } : null) },
} as unknown as Kernel
const compile = (match: unknown) => compileMatch(match, kernel)

interface Made {
  kind?: string
  type?: string
  topic?: string
  payload?: object
  data?: object
  verdict?: string
}

/** An event in a pact `p1`, alias team, by an agent of an admin. */
function event({
  kind = ENTRY_APPLIED,
  type = 'task',
  topic = '',
  payload = {},
  data,
  verdict = 'accepted',
}: Made): Seen {
  const refs = [{ id: 'e7-1', type: 'replies' }]
  const author = { author: 'claude-aaaaaa', agent: key('a'), identity: key('e') }
  const entry = { id: 'e1', type, topic, payload, refs, verdict, ...author }
  const model = { entryAt: () => entry, entry: () => entry, progress: () => ({ confirmed: 0 }) } as unknown as ReadModel
  const people = { roles: new Map([[key('e'), 'admin']]), handles: new Map([[key('b'), 'bob-bbbbbb']]) }
  const subject = kind === ENTRY_APPLIED ? 'entry' : kind.slice(0, kind.lastIndexOf('.'))
  const common = { seq: 1, id: 'x', pact: 'p1', kind, subject, subject_id: 'e1', position: 0, data }
  const made = kind === ENTRY_APPLIED ? { ...common, entry } : common
  return new Seen(made as unknown as Occurrence['event'], { id: 'p1' } as Pact, model, people)
}

describe('a match', () => {
  const open = event({
    kind: 'task.open',
    topic: 'pr/review',
    data: { status: 'open', topic: 'pr/review', assignee: null },
  })
  const given = event({ kind: 'task.open', data: { status: 'open', assignee: key('b') } })
  const mine = event({ kind: 'task.open', data: { assignee: key('a') } })
  const note = event({
    type: 'knowledge',
    topic: 'stripe',
    payload: {
      content: 'Webhooks MOVED to v3',
      labels: ['api', 'urgent'],
      source: { branch: 'main' },
      confidence: 0.8,
    },
  })
  const cases: [string, Match, Seen[], Seen[]][] = [
    ['nothing', {}, [open, note], [event({ verdict: 'not-authorised' })]],
    ['a type of entry', { type: 'knowledge' }, [note], [open]],
    ['a kind of event', { type: 'task.open' }, [open], [note, event({ kind: 'task.claimed' })]],
    ['one type of several', { type: ['x', 'knowledge'] }, [note], [open]],
    [
      'a status',
      { type: 'task', status: ['ready', 'open'] },
      [open],
      [note, event({ kind: 'task.claimed' }), event({})],
    ],
    ['a status of whatever', { status: 'open' }, [open], [note]],
    ['a topic', { topic: ['x', 'pr/*'] }, [open], [note]],
    ['an agent by handle', { agent: 'claude-aaaaaa' }, [note], []],
    ['an agent by key', { agent: [key('b'), key('a')] }, [note], []],
    ['an agent of this machine', { agent: 'me' }, [note], []],
    ['another agent', { agent: 'claude-bbbbbb' }, [], [note]],
    ['an owner', { owner: key('e') }, [note], []],
    ['the owner of this machine', { owner: 'me' }, [note], []],
    ['another owner', { owner: key('d') }, [], [note]],
    ['a role', { role: 'admin' }, [note], []],
    ['another role', { role: 'member' }, [], [note]],
    ['a pact by alias', { pact: 'team' }, [note], []],
    ['a pact by id', { pact: ['x', 'p1'] }, [note], []],
    ['another pact', { pact: 'other' }, [], [note]],
    ['a reference', { ref: { type: 'replies', target: ['e7-1'] } }, [note], []],
    ['another reference', { ref: { type: 'supports' } }, [], [note]],
    ['a usual priority', { priority: 'normal' }, [note], [event({ payload: { priority: 'high' } })]],
    ['nobody', { assignee: 'nobody' }, [open, note], [given]],
    ['an assignee by handle', { assignee: 'bob-bbbbbb' }, [given], [open, mine]],
    ['an assignee by key', { assignee: key('b') }, [given], [open, mine]],
    ['me', { assignee: 'me' }, [mine], [given, open]],
    ['words', { text: 'moved  stripe' }, [note], [open]],
    ['words that are not all there', { text: 'moved paypal' }, [], [note]],
    ['a field', { where: { 'source.branch': 'main', confidence: { gt: 0.5, lte: 0.8 } } }, [note], [open]],
    ['an item of a list', { where: { labels: ['urgent', 'later'] } }, [note], [open]],
    ['a missing field', { where: { nothing: { exists: false } } }, [note], []],
    ['a field of the prototype', { where: { 'constructor.name': { exists: true } } }, [], [note]],
    ['a pattern in a field', { where: { content: { glob: 'Web*' } } }, [note], [open]],
    ['another value', { where: { 'source.branch': { not: 'main' } } }, [open], [note]],
    ['a number that is a text', { where: { content: { gt: 1 } } }, [], [note]],
  ]
  test.each(cases)('of %s', (_name, match, fits, not) => {
    const compiled = compile(match)
    for (const seen of [...fits, ...not]) {
      expect(compiled.test(seen)).toBe(fits.includes(seen))
      expect(compiled.explain(seen).every(({ fits: one }) => one)).toBe(fits.includes(seen))
    }
  })

  test.each([
    [{ stauts: 'open' }, 'Did you mean "status"'],
    [{ topics: 'x' }, 'Did you mean "topic"'],
    [{ ref: { tpye: 'x' } }, 'of "ref". Did you mean "type"'],
    [{ until: 'forever' }, 'until'],
    [{ type: 7 }, 'type'],
    [{ type: [] }, 'type'],
    [{ where: { a: { gtt: 1 } } }, 'where'],
    [{ topic: '\ud800' }, 'not valid Unicode'],
    [{ where: { 'a\udc00': 'x' } }, 'not valid Unicode'],
    ['task', 'an object'],
    [null, 'an object'],
  ])('that means nothing is refused: %j', (match, words) => {
    expect(() => compile(match)).toThrow(
      expect.objectContaining({ code: 'MATCH_INVALID', message: expect.stringContaining(words) }),
    )
  })

  test('is found by the index exactly when it fits', () => {
    const words = (...all: string[]) => fc.constantFrom<string | string[]>(...all, [all[0]!, all.at(-1)!])
    const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
    const wanted = fc.record({
      type: some(words('task', 'note', 'task.open', 'task.claimed')),
      status: some(words('open', 'claimed', 'gone')),
      topic: some(words('a', 'a/b', 'a/*', '*', '**/b', 'b?', 'a*')),
      agent: some(words('me', 'nobody')),
    })
    const happened = fc.record({
      kind: fc.constantFrom(ENTRY_APPLIED, 'task.open', 'task.claimed', 'note.open'),
      type: fc.constantFrom('task', 'note'),
      topic: fc.constantFrom('', 'a', 'a/b', 'b/b', 'bb', 'ab'),
      verdict: fc.constantFrom('accepted', 'accepted', 'refused'),
    })
    fc.assert(
      fc.property(
        fc.array(wanted, { maxLength: 30 }),
        fc.array(happened, { maxLength: 12 }),
        fc.nat(29),
        (all, made, gone) => {
          const index = new TypedMatchIndex()
          const matches = all.map(match => compile(JSON.parse(JSON.stringify(match))))
          for (const [i, match] of matches.entries()) index.set(String(i), match)
          index.delete(String(gone))
          for (const one of made) {
            const seen = event(one)
            const truth = matches.flatMap((match, i) => (i !== gone && match.test(seen) ? [String(i)] : []))
            expect(index.find(seen).sort()).toEqual(truth.sort())
          }
        },
      ),
      { seed: 3, numRuns: 150 },
    )
  })

  test('among a thousand costs what it is compared with, not what there is', () => {
    const index = new TypedMatchIndex()
    let compared = 0
    for (let i = 0; i < 1000; i++) {
      const match = compile(i % 2 ? { type: 'task', topic: `t${i}/*` } : { status: 'open', topic: `t${i}` })
      index.set(String(i), { ...match, test: seen => ++compared > 0 && match.test(seen) })
    }
    expect(index.find(event({ kind: 'task.open', topic: 't4', data: { topic: 't4' } }))).toEqual(['4'])
    expect(index.find(event({ topic: 't5/x' }))).toEqual(['5'])
    expect(compared).toBe(2)
  })
})

describe('over HTTP', () => {
  let local: Local
  beforeAll(async () => {
    local = await openLocal([events, knowledge, tasks])
  })
  afterAll(() => local.dispose())

  const post = async (path: string, body: object) =>
    (await local.send({ method: 'POST', path: `/v1/pacts/test${path}`, body })).json
  const changes = async (query: string) => {
    await local.kernel.use(eventsRef).settled(local.kernel.pact)
    return (await local.send({ path: `/v1/pacts/test/changes?${query}` })).json
  }

  test('changes are narrowed to an agent by its name, handle or key, and a name that nobody has is an error', async () => {
    await post('/knowledge', { topic: 'by', content: 'x' })
    const { name, handle, key } = local.kernel.identity.defaultAgent
    for (const agent of [name, handle, key.toString('hex'), 'me'])
      expect((await changes(`type=knowledge&agent=${agent}`)).entries).not.toEqual([])
    expect((await changes('agent=nobody')).error).toBe('AGENT_NOT_FOUND')
  })

  test('an entry is explained field by field, with what it brought about', async () => {
    const { id } = await post('/tasks', { title: 'review', topic: 'pr-review', priority: 'high' })
    const match = { type: 'task', status: 'open', topic: 'pr-*', priority: 'low', role: 'admin' }
    const told = await post(`/entries/${id}/match`, { match })
    expect(told).toMatchObject({ id, matches: false })
    const [applied, open] = told.events as {
      kind: string
      fields: { field: string; fits: boolean; found: unknown }[]
    }[]
    expect(applied?.fields.filter(({ fits }) => !fits).map(({ field }) => field)).toEqual([
      'type',
      'status',
      'priority',
    ])
    expect(open).toMatchObject({ kind: 'task.open', why: 'priority is "high", not "low"' })
    expect(open?.fields.filter(({ fits }) => !fits)).toEqual([
      { field: 'priority', fits: false, wanted: 'low', found: 'high' },
    ])
    expect(await post(`/entries/${id}/match`, { match: { ...match, priority: 'high' } })).toMatchObject({
      matches: true,
    })
    expect((await post('/entries/00000000-1/match', { match })).error).toBe('ENTRY_UNKNOWN')
    expect(await post(`/entries/${id}/match`, { match: { stauts: 'x' } })).toMatchObject({
      error: 'INVALID_INPUT',
      message: expect.stringContaining('Did you mean "status"'),
    })
  })

  test('changes are listed by match, in pages that resume', async () => {
    const { cursor } = await changes('from=head')
    for (const topic of ['l/a', 'x', 'l/b', 'l/c']) await post('/knowledge', { topic, content: 'x', confidence: 0.5 })
    const where = encodeURIComponent(JSON.stringify({ type: 'knowledge', where: { confidence: { lt: 1 } } }))
    const query = `topic=${encodeURIComponent('l/*')}&limit=2&match=${where}`
    const first = await changes(`since=${cursor}&${query}`)
    const second = await changes(`since=${first.cursor}&${query}`)
    const topics = (page: object) => (page as { entries: { topic: string }[] }).entries.map(({ topic }) => topic)
    expect([topics(first), first.has_more, topics(second), second.has_more]).toEqual([
      ['l/a', 'l/b'],
      true,
      ['l/c'],
      false,
    ])
    expect((await changes('match=nonsense')).error).toBe('MATCH_INVALID')
    // A role that nobody can have is no empty answer; a list of roles is one text in a query.
    expect((await changes('role=bogus')).message).toContain('"role" should be')
    expect((await changes('role=admin,member')).entries).toEqual(expect.any(Array))
    expect((await changes(`match=${encodeURIComponent('{"tipe":1}')}`)).message).toContain('Did you mean "type"')
  })

  test('with until=confirmed only what is confirmed is listed', async () => {
    const { id } = await post('/knowledge', { topic: 'sure', content: 'x', until: 'confirmed' })
    const page = async () =>
      (await changes('topic=sure&until=confirmed')).entries as { id: string; confirmed: boolean }[]
    while ((await page()).length === 0) await new Promise(setImmediate)
    expect(await page()).toMatchObject([{ id, confirmed: true }])
  })
})
