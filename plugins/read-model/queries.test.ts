import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bench, bench } from '../../test/support/index-bench.ts'
import { AGENT, SimulatedPact } from '../../test/support/simulated-pact.ts'
import { type Names, referringStream, type Stream, streamsOf } from './queries.ts'
import type { EntryQuery, EntryView } from './service.ts'

const one = new SimulatedPact('one')
const other = new SimulatedPact('other')
const handle = `claude-${AGENT.toString('hex', 0, 3)}`
let b: Bench

beforeAll(async () => {
  b = bench([one, other])
  for (let i = 0; i < 12; i++) {
    // Pages must not depend on what stands between their entries: other pacts, other verdicts.
    other.append(...Array.from({ length: 10 }, () => ({ type: 'note', topic: 'a', payload: {} })))
    one.append(
      { type: 'note', topic: i % 2 ? 'a' : 'b', payload: { text: `n${i}` }, timestamp: 1000 * (i % 4), writer: i % 2 },
      { type: 'step', topic: 'a', payload: { counter: 'x', by: 2 }, timestamp: 500 + 1000 * i },
      { type: 'step', topic: 'a', payload: { counter: 'x', by: 2 }, verdict: 'not-yours' },
      {
        type: 'note',
        topic: 'a',
        payload: {},
        refs: ['01010101-1', { id: '01010101-1', type: i % 3 ? 'replies' : 'applied' }],
      },
      { garbage: true, writer: 2 },
    )
  }
  one.append({
    type: 'rare',
    topic: 'c',
    payload: 7,
    caused_by: 'trigger',
    hops: 2,
    origin: 'bridge',
    timestamp: Date.now() + 9e7,
  })
  one.append({ type: 'sealed', enc: 'box', payload: Buffer.from([1, 2, 255]) })
  one.confirm(20)
  for (const pact of [one, other]) await b.index.sync(pact.pact)
})
afterAll(() => b.dispose())

/** All pages of a query, one after the other. */
function all(query: EntryQuery, limit: number): EntryView[] {
  const found: EntryView[] = []
  for (let cursor: string | undefined; ; ) {
    const page = b.index.entries(one.pact, { ...query, limit, cursor })
    found.push(...page.entries)
    if (!page.has_more) return found
    expect(page.entries).toHaveLength(limit)
    cursor = page.cursor!
  }
}

const everything = () => all({ verdict: 'any', order: 'asc' }, 1000)

const queries: [string, EntryQuery, (e: EntryView) => boolean][] = [
  ['everything accepted', {}, e => e.verdict === 'accepted'],
  ['everything', { verdict: 'any' }, () => true],
  ['refused', { verdict: 'refused' }, e => e.verdict !== 'accepted'],
  ['a type', { type: 'note' }, e => e.verdict === 'accepted' && e.type === 'note'],
  [
    'types',
    { type: ['note', 'rare', 'unheard-of'] },
    e => e.verdict === 'accepted' && ['note', 'rare'].includes(e.type),
  ],
  ['a type, any verdict', { type: 'step', verdict: 'any' }, e => e.type === 'step'],
  ['a topic', { topic: 'a' }, e => e.verdict === 'accepted' && e.topic === 'a'],
  ['a refused topic', { topic: 'a', verdict: 'refused' }, e => e.verdict !== 'accepted' && e.topic === 'a'],
  ['an agent', { agent: handle }, e => e.verdict === 'accepted' && e.author === handle],
  [
    'type and topic',
    { type: 'note', topic: 'b' },
    e => e.verdict === 'accepted' && e.type === 'note' && e.topic === 'b',
  ],
  [
    'type and agent',
    { type: 'step', agent: AGENT.toString('hex') },
    e => e.verdict === 'accepted' && e.type === 'step',
  ],
  [
    'all three',
    { type: 'note', topic: 'a', agent: handle },
    e => e.verdict === 'accepted' && e.type === 'note' && e.topic === 'a',
  ],
  ['an unknown topic', { topic: 'nowhere' }, () => false],
  ['an unknown agent', { agent: 'nobody-123456' }, () => false],
]

describe('entries', () => {
  test.each(queries)('%s: pages hold exactly what matches, in order', (_, query, matches) => {
    const expected = everything().filter(matches)
    for (const limit of [1, 7, 1000]) {
      expect(all({ ...query, order: 'asc' }, limit)).toEqual(expected)
      expect(all({ ...query, order: 'desc' }, limit)).toEqual([...expected].reverse())
    }
  })

  test.each([
    ['since', { since: 2000 }],
    ['until', { until: 2000 }],
    ['both', { since: 1000, until: 2500 }],
  ])('bounds on time (%s): in the order of time, complete', (_, bounds) => {
    const { since = 0, until = Number.POSITIVE_INFINITY }: { since?: number; until?: number } = bounds
    const time = (e: EntryView) => Date.parse(e.timestamp)
    const expected = everything()
      .filter(
        e => e.verdict === 'accepted' && ['note', 'step'].includes(e.type) && time(e) >= since && time(e) <= until,
      )
      .sort((x, y) => time(x) - time(y) || x.position - y.position)
    expect(expected.length).toBeGreaterThan(5)
    for (const limit of [1, 5, 1000]) {
      expect(all({ type: ['note', 'step'], ...bounds, order: 'asc' }, limit)).toEqual(expected)
      expect(all({ type: ['note', 'step'], ...bounds, order: 'desc' }, limit)).toEqual([...expected].reverse())
    }
  })

  test('what no index can answer is refused with a way out', () => {
    for (const query of [{ topic: 'a', agent: handle }, { since: 1 }, { type: 'note', topic: 'a', since: 1 }]) {
      expect(() => b.index.entries(one.pact, query)).toThrow(expect.objectContaining({ code: 'QUERY_UNSUPPORTED' }))
    }
    const types = Array.from({ length: 17 }, (_, i) => `t${i}`)
    b.index.db.exec('SAVEPOINT words')
    for (const type of types) b.index.prepare('INSERT INTO words(word) VALUES (?)').run(type)
    expect(() => b.index.entries(one.pact, { type: types })).toThrow(
      expect.objectContaining({ code: 'QUERY_UNSUPPORTED' }),
    )
    b.index.db.exec('ROLLBACK TO words; RELEASE words')
  })

  test.each([
    '',
    'nonsense',
    Buffer.from('[1,2]').toString('base64url'),
    Buffer.from('[-1]').toString('base64url'),
    Buffer.from('["1"]').toString('base64url'),
  ])('a cursor that is none (%j) is refused', cursor => {
    expect(() => b.index.entries(one.pact, { cursor })).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }))
  })

  test('a cursor from outside the bounds on time is refused', () => {
    const cursor = Buffer.from('[10,1]').toString('base64url')
    expect(() => b.index.entries(one.pact, { type: 'note', since: 20, cursor })).toThrow(
      expect.objectContaining({ code: 'CURSOR_INVALID' }),
    )
  })

  test.each([0, 1001, 1.5, Number.NaN])('a limit of %s is refused', limit => {
    expect(() => b.index.entries(one.pact, { limit })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })
})

describe('one entry', () => {
  test('by its id, counters compared as numbers', () => {
    const [first] = everything()
    expect(b.index.entry(one.pact, first!.id)).toEqual(first)
    for (const id of ['01010101-0', '01010101-01x', '01010101', 'ffffffff-1', '01010101-999', "01010101-1' OR 1"])
      expect(b.index.entry(one.pact, id)).toBeNull()
  })

  test('says what is known of it', () => {
    const list = everything()
    expect(list.at(-2)).toMatchObject({
      caused_by: 'trigger',
      hops: 2,
      origin: 'bridge',
      payload: 7,
      from_future: true,
      confirmed: false,
    })
    expect(list.at(-1)).toMatchObject({ payload: 'AQL/', unreadable: 'it is encrypted (box)' })
    expect(list[0]).toMatchObject({ author: handle, identity: 'bb'.repeat(32), confirmed: true, position: 0 })
    expect(list[2]).toMatchObject({ verdict: 'not-yours', type: 'step' })
    expect(list[4]).toMatchObject({
      id: '03030303-b1',
      type: '',
      author: '',
      verdict: 'malformed',
      payload: { size: 9 },
    })
    expect(b.index.entry(one.pact, '03030303-b1')).toEqual(list[4])
  })

  test('rendered from its record, reads the same', async () => {
    for (const entry of everything()) expect(b.index.view(one.pact, (await one.record(entry.position))!)).toEqual(entry)
  })

  test('by dedup, of the agent that is asked for', async () => {
    const pact = new SimulatedPact('dedup')
    const mine = bench([pact])
    const dedup = Buffer.alloc(32, 9)
    const [refused, accepted] = pact.append({ dedup, verdict: 'too-late' }, { dedup })
    await mine.index.sync(pact.pact)
    expect(mine.index.entryByDedup(pact.pact, dedup)?.id).toBe(accepted)
    expect(mine.index.entryByDedup(pact.pact, dedup, AGENT.toString('hex'))?.id).toBe(accepted)
    expect(mine.index.entryByDedup(pact.pact, dedup, 'ee'.repeat(32))).toBeNull()
    expect(mine.index.entryByDedup(pact.pact, Buffer.alloc(32, 8))).toBeNull()
    pact.reorder<unknown>(0, tail => tail.slice(0, 1))
    await mine.index.sync(pact.pact)
    expect(mine.index.entryByDedup(pact.pact, dedup)?.id).toBe(refused)
    await mine.dispose()
  })
})

describe('entries that refer to one', () => {
  const expected = (type?: string) =>
    everything().filter(
      e => e.verdict === 'accepted' && e.refs.some(ref => ref.id === '01010101-1' && (!type || ref.type === type)),
    )

  test.each([undefined, 'related', 'replies', 'applied'])('of type %s, each once, in pages', type => {
    for (const order of ['asc', 'desc'] as const) {
      const found: EntryView[] = []
      for (let cursor: string | undefined; ; ) {
        const page = b.index.referencedBy(one.pact, '01010101-1', { type, order, limit: 3, cursor })
        found.push(...page.entries)
        if (!page.has_more) break
        cursor = page.cursor!
      }
      expect(found).toEqual(order === 'asc' ? expected(type) : expected(type).reverse())
    }
  })

  test('none for an unknown id or type', () => {
    expect(b.index.referencedBy(one.pact, '01010101-99').entries).toEqual([])
    expect(b.index.referencedBy(one.pact, '01010101-1', { type: 'unheard-of' }).entries).toEqual([])
    expect(b.index.referencedBy(other.pact, '01010101-1').entries).toEqual([])
  })
})

describe('no query scans', () => {
  const plan = ({ sql, values }: Stream) =>
    b.index.db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...values)
      .map(row => String(row.detail))
  const cursor = (...parts: number[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
  const combinations: [EntryQuery, Names][] = []
  for (const verdict of ['accepted', 'refused', 'any'] as const) {
    for (const order of ['asc', 'desc'] as const) {
      for (const at of [undefined, cursor(5)]) {
        for (const names of [
          { types: null },
          { types: null, topic: 2 },
          { types: null, agent: 1 },
          { types: [1, 2] },
          { types: [1], topic: 2 },
          { types: [1], agent: 1 },
          { types: [1], topic: 2, agent: 1 },
        ])
          combinations.push([{ verdict, order, cursor: at }, names])
      }
      for (const at of [undefined, cursor(1500, 5)]) {
        for (const bounds of [{ since: 1000 }, { until: 2000 }, { since: 1000, until: 2000 }])
          combinations.push([{ verdict, order, cursor: at, ...bounds }, { types: [1] }])
      }
    }
  }

  test('every list of entries is a range of one index, in its order', () => {
    let streams = 0
    for (const [query, names] of combinations) {
      for (const stream of streamsOf(1, query, names, true, 50)) {
        const details = plan(stream)
        expect(details).toHaveLength(1)
        expect(details[0]).toMatch(/^SEARCH entries USING (INDEX entries_\w+ \(|INTEGER PRIMARY KEY \()/)
        // Equalities are used up before the range: nothing is stepped over.
        const equalities = stream.sql.match(/= \?/g)?.length ?? 0
        const bounds = stream.sql.match(/[<>]=? \(?\?/g)?.length ?? 0
        expect(details[0]!.match(/=\?/g)?.length ?? 0, details[0]).toBe(
          equalities - (stream.sql.match(/[<>]= \?/g)?.length ?? 0),
        )
        expect(details[0]!.match(/[<>]\(?\?/g)?.length ?? 0, details[0]).toBe(bounds)
        streams++
      }
    }
    expect(streams).toBeGreaterThan(200)
  })

  test('so is every list of referring entries', () => {
    for (const type of [undefined, 3]) {
      for (const order of ['asc', 'desc'] as const) {
        const [detail, ...more] = plan(referringStream(1, '01010101-1', { type, order, limit: 10 }))
        expect(more).toEqual([])
        expect(detail).toBe(
          type === undefined
            ? 'SEARCH refs USING PRIMARY KEY (dst=? AND at>? AND at<?)'
            : 'SEARCH refs USING COVERING INDEX refs_type (dst=? AND type=? AND at>? AND at<?)',
        )
      }
    }
  })

  test('and every other statement that reads or undoes', () => {
    const statements = [
      'SELECT at FROM entries INDEXED BY entries_id WHERE writer = 1 AND n = 1 LIMIT 1',
      'SELECT at FROM entries INDEXED BY entries_dedup WHERE dedup = ? AND at >= 1 AND at < 2 ORDER BY at',
      'SELECT no FROM writers WHERE pact = 1 AND prefix = ?',
      'SELECT no FROM agents WHERE pact = 1 AND key >= ? AND key <= ?',
      'SELECT key FROM agents INDEXED BY agents_unknown WHERE pact = 1 AND identity IS NULL LIMIT 256',
      'SELECT at, source, i FROM changes WHERE at >= 1 AND at < 2 ORDER BY at, source, i',
      'SELECT seq, op, row FROM undo_toy_counter WHERE at >= 1 AND at < 2 ORDER BY at DESC, seq DESC',
      'SELECT at, chain FROM checkpoints WHERE at > 1 AND at < 2 ORDER BY at DESC LIMIT 64',
      'DELETE FROM undo_toy_counter WHERE at >= 1 AND at < 2',
      'DELETE FROM refs WHERE dst = ? AND at = 1',
    ]
    for (const sql of statements) {
      const values = sql
        .split('?')
        .slice(1)
        .map(() => null)
      for (const detail of plan({ sql, values })) expect(detail, sql).toMatch(/^SEARCH/)
    }
  })
})
