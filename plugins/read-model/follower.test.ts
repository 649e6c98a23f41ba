import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bench, counters, lines, noteType, reached, stepType } from '../../test/support/index-bench.ts'
import { type Linearised, SimulatedPact } from '../../test/support/simulated-pact.ts'

const entry = fc.record({
  writer: fc.integer({ min: 0, max: 2 }),
  what: fc.integer({ min: 0, max: 11 }),
  topic: fc.constantFrom('', 'a', 'b'),
  by: fc.integer({ min: -3, max: 14 }),
  counter: fc.constantFrom('x', 'y', "it's"),
})

function linearised(
  { writer, what, topic, by, counter }: typeof entry extends fc.Arbitrary<infer T> ? T : never,
  pact: SimulatedPact,
): Linearised {
  if (what === 0) return { writer, garbage: true }
  if (what === 1) return { writer, type: 'step', verdict: 'not-today', payload: { counter, by } }
  if (what === 2) return { writer, type: 'step', topic, payload: { counter: 5 } }
  if (what === 3) return { writer, type: 'note', payload: Buffer.from('not json') }
  if (what === 4) return { writer, type: 'stranger', topic, payload: { anything: [1] }, caused_by: 'x', hops: 1 }
  if (what < 7)
    return { writer, type: 'note', topic, payload: { text: counter }, refs: [`01010101-${(pact.length % 7) + 1}`] }
  return { writer, type: 'step', topic, payload: { counter, by }, dedup: by === 3 ? Buffer.alloc(32, by) : undefined }
}

const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      entries: fc.array(entry, { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reorder' as const), back: fc.nat(9), turn: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('confirm' as const), back: fc.nat(6) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('sync' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), at: fc.nat(20) }) },
)

const steps = (n: number): Linearised[] =>
  Array.from({ length: n }, (_, i) => ({
    type: i % 3 ? 'step' : 'note',
    payload: i % 3 ? { counter: `c${i % 5}`, by: (i % 4) + 1 } : {},
  }))

describe('a follower', () => {
  test('holds what a rebuild would hold, whatever the log does', async () => {
    await fc.assert(
      // Two pacts share the tables, and with them the numbers that SQLite gives to rows.
      fc.asyncProperty(fc.array(fc.tuple(action, fc.nat(1)), { minLength: 5, maxLength: 50 }), async actions => {
        const pacts = [new SimulatedPact('one'), new SimulatedPact('other')] as const
        const b = bench([...pacts])
        try {
          for (const [step, which] of actions) await perform(step, pacts[which]!, b)
          for (const pact of pacts) {
            pact.missing.clear()
            await b.index.sync(pact.pact)
            expect(b.index.progress(pact.pact)).toMatchObject({ indexed: pact.length, rebuilds: 0 })
          }
          for (const pact of pacts) expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
        } finally {
          await b.dispose()
        }
      }),
      { seed: 11, numRuns: 20 },
    )
  }, 600_000)

  test('does not call confirmed what it shows in an order that the log has left', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append(...steps(3))
    await b.index.sync(pact.pact)
    pact.reorder(1, tail => tail.reverse())
    pact.confirm()
    const shown = () => b.index.entries(pact.pact, { order: 'asc' }).entries.map(({ confirmed }) => confirmed)
    expect(shown()).toEqual([false, false, false])
    await b.index.confirmed(pact.pact)
    expect(shown()).toEqual([false, false, false])
    await b.index.sync(pact.pact)
    expect(shown()).toEqual([true, true, true])

    // Without a reorder it is shown at once.
    pact.append(...steps(1))
    await b.index.sync(pact.pact)
    pact.confirm()
    expect(shown()).toEqual([true, true, true, false])
    await b.index.confirmed(pact.pact)
    expect(shown()).toEqual([true, true, true, true])
    await b.dispose()
  })

  test('undoes more than one step of checkpoints', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    for (let i = 0; i < 150; i++) pact.append({ type: 'step', payload: { counter: `c${i % 7}`, by: 1 } })
    pact.confirm(10)
    await b.index.sync(pact.pact)
    pact.reorder(12, tail => tail.reverse())
    await b.index.sync(pact.pact)
    expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
    expect(b.index.epoch(pact.pact)).toBe(1)
    await b.dispose()
  })

  test('brings a row back though another pact’s row has its number now', async () => {
    const one = new SimulatedPact('one')
    const other = new SimulatedPact('other')
    const b = bench([one, other], { tables: [counters] })
    const step = (counter: string, by: number) => ({ type: 'step', payload: { counter, by } })
    one.append({ type: 'note' }, step('x', 2), step('x', 4), step('x', 0))
    await b.index.sync(one.pact)
    other.append(step('y', 2))
    await b.index.sync(other.pact)
    one.reorder(3, tail => tail.slice(1))
    await b.index.sync(one.pact)
    const rows = () => b.index.db.prepare('SELECT rowid AS no, name, total FROM toy_counter ORDER BY name').all()
    expect(rows()).toEqual([
      { no: 2, name: 'x', total: 6 },
      { no: 1, name: 'y', total: 2 },
    ])
    one.reorder(2, tail => tail.slice(1))
    await b.index.sync(one.pact)
    expect(rows()[0]).toEqual({ no: 2, name: 'x', total: 2 })
    one.reorder(1, tail => tail.slice(1))
    await b.index.sync(one.pact)
    expect(rows()).toEqual([{ no: 1, name: 'y', total: 2 }])
    await b.dispose()
  })

  test('an own entry that a reorder takes out for a moment is waited for', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    const [, id = ''] = pact.append(...steps(2))
    let out: unknown[] = []
    pact.reorder(1, tail => {
      out = tail
      return []
    })
    const events: string[] = []
    const written = b.index.written(pact.pact, id).then(() => events.push('written'))
    await b.index.sync(pact.pact)
    expect(b.index.entry(pact.pact, id)).toBeNull()
    events.push('back')
    pact.reorder(1, () => out as never[])
    await b.index.sync(pact.pact)
    await written
    expect(events).toEqual(['back', 'written'])
    expect(b.index.entry(pact.pact, id)).toMatchObject({ id, position: 1 })
    await b.dispose()
  })

  test('keeps no way back for what is confirmed', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    for (let i = 0; i < 20; i++) pact.append({ type: 'step', payload: { counter: 'x', by: 1 } })
    await b.index.sync(pact.pact)
    const rows = (table: string) => Number(b.index.db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
    expect([rows('undo_toy_counter') > 0, rows('undo_toy_line') > 0, rows('checkpoints')]).toEqual([true, true, 20])
    pact.confirm()
    await b.index.sync(pact.pact)
    expect([rows('undo_toy_counter'), rows('undo_toy_line'), rows('checkpoints')]).toEqual([0, 0, 0])
    await b.dispose()
  })

  test('rebuilds a pact whose confirmed history differs, and says so loudly', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append({ type: 'note' }, { type: 'note', writer: 1 }, { type: 'step', payload: { counter: 'x', by: 1 } })
    pact.confirm()
    await b.index.sync(pact.pact)
    pact.betray(1)
    await b.index.sync(pact.pact)
    await reached(b.index, () => b.index.progress(pact.pact).indexed === pact.length)
    expect(b.index.progress(pact.pact).rebuilds).toBe(1)
    expect(b.log.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'The log differs from the index below what was confirmed; the index of this pact is rebuilt from the log.',
    ])
    expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
    await b.dispose()
  })

  test('rebuilds everything on request', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append(...steps(600))
    await b.index.sync(pact.pact)
    const before = b.index.dump(pact.pact)
    await b.index.rebuild()
    expect(b.index.dump(pact.pact)).toBe(before)
    await b.dispose()
  })
})

describe('tables of plugins', () => {
  test('one that changed is rebuilt alone, in pieces, while the pact goes on', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append(...steps(700))
    pact.confirm(650)
    await b.index.sync(pact.pact)
    const ids = () =>
      new Map(
        b.index.db
          .prepare('SELECT id, entry FROM toy_line')
          .all()
          .map(({ id, entry }) => [entry, id]),
      )
    const before = ids()
    const louder = { ...counters, version: 2 }
    await b.reopen({ tables: [louder, lines] })
    const partial: boolean[] = []
    const done = reached(b.index, () => {
      partial.push(b.index.progress(pact.pact).partial)
      return !partial.at(-1)
    })
    await b.index.sync(pact.pact)
    pact.append(...steps(5))
    pact.reorder(660, tail => tail.reverse())
    await b.index.sync(pact.pact)
    await done
    expect(partial).toContain(true)
    const kept = [...ids()].filter(([entry]) => Number(String(entry).slice(9)) <= 660)
    expect(kept.length).toBeGreaterThan(400)
    expect(kept.filter(([entry, id]) => before.get(entry!) !== id)).toEqual([])
    expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
    await b.dispose()
  })

  test('one whose plugin goes is dropped, and comes back with its plugin', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append(...steps(30))
    await b.index.sync(pact.pact)
    const whole = b.index.dump(pact.pact)
    await b.reopen({ tables: [lines] })
    await b.index.sync(pact.pact)
    expect(() => b.index.prepare('SELECT * FROM toy_counter')).toThrow('no such table')
    await b.reopen({ tables: [counters, lines] })
    await b.index.sync(pact.pact)
    await reached(b.index, () => !b.index.progress(pact.pact).partial)
    expect(b.index.dump(pact.pact)).toBe(whole)
    await b.dispose()
  })

  test('history lights up when the plugin that owns its type is installed', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact], { tables: [], types: [noteType] })
    const [good, bad] = pact.append(
      { type: 'step', payload: { counter: 'x', by: 2 } },
      { type: 'step', payload: { counter: 1 } },
    )
    pact.confirm()
    await b.index.sync(pact.pact)
    expect(b.index.entry(pact.pact, bad!)).toMatchObject({ payload: { counter: 1 }, verdict: 'accepted' })
    expect(b.index.entry(pact.pact, bad!)?.unreadable).toBeUndefined()
    await b.reopen({ tables: [counters], types: [noteType, stepType] })
    await b.index.sync(pact.pact)
    await reached(b.index, () => !b.index.progress(pact.pact).partial)
    await b.rechecked
    expect(b.index.entry(pact.pact, good!)?.unreadable).toBeUndefined()
    expect(b.index.entry(pact.pact, bad!)?.unreadable).toMatch('it does not fit its type')
    expect(b.index.prepare('SELECT name, total FROM toy_counter').all()).toEqual([{ name: 'x', total: 2 }])
    await b.reopen({ tables: [], types: [noteType] })
    await b.rechecked
    expect(b.index.entry(pact.pact, bad!)?.unreadable).toBeUndefined()
    await b.dispose()
  })

  test('a projection that throws is named and contained', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    const [, cursed] = pact.append(
      { type: 'step', payload: { counter: 'x', by: 1 } },
      { type: 'step', payload: { counter: 'x', by: 13 } },
      { type: 'step', payload: { counter: 'x', by: 1 } },
    )
    await b.index.sync(pact.pact)
    expect(b.index.entry(pact.pact, cursed!)?.unreadable).toBe(
      'the table toy_counter could not take it; the log of the daemon says why',
    )
    expect(b.index.prepare('SELECT total FROM toy_counter').get()).toEqual({ total: 2 })
    expect(b.index.prepare('SELECT count(*) AS n FROM toy_line').get()).toEqual({ n: 3 })
    const [line] = b.log.lines.filter(({ level }) => level === 'error')
    expect(line?.message).toMatch('Plugin "toy" could not index an entry')
    expect(line?.fields).toMatchObject({ plugin: 'toy', table: 'toy_counter', entry: cursed })
    await b.dispose()
  })

  test.each([
    ['no pact column', { create: 'CREATE TABLE toy_bad (x)' }, 'it has no column "pact"'],
    ['no rowid', { create: 'CREATE TABLE toy_bad (pact INTEGER PRIMARY KEY) WITHOUT ROWID' }, 'it has no rowid'],
    [
      'another table',
      { create: 'CREATE TABLE toy_bad (pact); CREATE TABLE toy_more (pact)' },
      '"create" makes toy_bad, toy_more instead of toy_bad',
    ],
    ['no SQL', { create: 'CREATE TROUBLE' }, 'near "TROUBLE": syntax error'],
    ['a bad name', { name: 'entries', create: '' }, 'its name should read <plugin>_<table>, in snake case'],
  ])('one declared wrongly is refused with its plugin: %s', async (_, change, reason) => {
    const b = bench([], { tables: [] })
    const bad = { name: 'toy_bad', version: 1, types: [], project: () => {}, ...change }
    expect(() => b.index.begin([{ plugin: 'toy', value: bad }])).toThrow(
      `The table "${bad.name}" of plugin "toy" is declared wrongly: ${reason}`,
    )
    await b.dispose()
  })
})

async function perform(
  step: typeof action extends fc.Arbitrary<infer T> ? T : never,
  pact: SimulatedPact,
  b: ReturnType<typeof bench>,
): Promise<void> {
  switch (step.do) {
    case 'append':
      pact.append(...step.entries.map(one => linearised(one, pact)))
      return
    case 'reorder':
      pact.reorder(Math.max(pact.confirmed, pact.length - step.back), tail =>
        step.turn === 0 ? tail.slice(1) : [...tail.slice(step.turn), ...tail.slice(0, step.turn).reverse()],
      )
      return
    case 'confirm':
      pact.confirm(Math.max(0, pact.length - step.back))
      return
    case 'lose':
      // A block that is not here: nothing hangs, and what is above it waits.
      pact.missing = new Set(pact.missing.size ? [] : [step.at])
      return
    case 'reopen':
      await b.reopen()
      return
    case 'sync':
      await b.index.sync(pact.pact)
      if (pact.missing.size === 0) expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
  }
}
