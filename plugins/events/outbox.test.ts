import { statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { action, believed, EventMachine, perform, step, truth } from '../../test/support/event-machine.ts'
import { SimulatedPact } from '../../test/support/simulated-pact.ts'
import { CORRECTION, ENTRY_APPLIED } from './service.ts'

const RUNS = 15

describe('the outbox', () => {
  test('neither loses nor invents, and tells nothing twice, whatever the log does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async actions => {
        const pacts = [new SimulatedPact('one'), new SimulatedPact('two')] as const
        const machine = new EventMachine(pacts)
        const ids = new Map<string, string>()
        try {
          for (const pact of pacts) {
            pact.append({ type: 'note' })
            pact.confirm()
          }
          await machine.settle()
          for (const one of actions) await perform(one, machine, pacts)
          await machine.settle()
          const all = machine.feed.after(0, { limit: 100_000 })
          expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1))
          for (const pact of pacts) {
            const own = all.filter(event => event.pact === pact.id)
            expect(own).toEqual(machine.feed.after(0, { pact: pact.pact, limit: 100_000 }))
            const now = [...believed(own).values()]
            expect(now.every(event => !event.stale)).toBe(true)
            const told = now.map(
              e =>
                `${e.position} ${e.subject} ${e.subject_id} ${e.kind}${e.subject === 'entry' ? '' : ` ${JSON.stringify(e.data)}`}`,
            )
            expect(told.sort()).toEqual((await truth(machine, pact)).sort())
            for (const event of now) {
              if (event.kind === ENTRY_APPLIED)
                expect(event.entry).toEqual(machine.bench.index.entry(pact.pact, event.subject_id))
              const chain = (await machine.bench.index.chainAt(pact.pact, event.position + 1))!.toString('hex')
              const what = `${chain} ${event.subject} ${event.subject_id} ${event.kind}`
              expect(ids.get(what) ?? event.id).toBe(event.id)
              ids.set(what, event.id)
            }
          }
        } finally {
          await machine.dispose()
        }
      }),
      { seed: 12, numRuns: RUNS },
    )
  }, 600_000)

  test('a rebuild of the index emits nothing', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    pact.append({ type: 'note' }, step('x'), step('y'), step('x'))
    pact.confirm(2)
    await machine.settle()
    const before = machine.feed.after(0)
    await machine.bench.index.rebuild()
    await machine.settle()
    expect(machine.feed.after(0)).toEqual(before)
    expect(before.map(({ kind }) => kind)).toEqual([
      ENTRY_APPLIED,
      'counter.new',
      ENTRY_APPLIED,
      'counter.new',
      ENTRY_APPLIED,
      'counter.moved',
    ])
    await machine.dispose()
  })

  test('a reorder is told as corrections, then as what stands now', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    const [, x, y] = pact.append({ type: 'note' }, step('x'), step('x'))
    pact.confirm(1)
    await machine.settle()
    const before = machine.feed.after(0)
    const head = machine.feed.head()
    pact.reorder(1, tail => tail.reverse())
    await machine.settle()
    const after = machine.feed.after(head)
    expect(after.map(e => [e.kind, e.subject_id])).toEqual([
      [CORRECTION, 'x'],
      [CORRECTION, y],
      [CORRECTION, 'x'],
      [CORRECTION, x],
      [ENTRY_APPLIED, y],
      ['counter.new', 'x'],
      [ENTRY_APPLIED, x],
      ['counter.moved', 'x'],
    ])
    expect(after.slice(0, 4).map(e => e.corrects)).toEqual(before.map(e => e.id).reverse())
    expect(
      machine.feed
        .after(0, { limit: 4 })
        .every(e => e.stale && e.entry === (e.kind === ENTRY_APPLIED ? null : undefined)),
    ).toBe(true)
    await machine.dispose()
  })

  test('entries that are gone for good are corrected though nothing follows', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    pact.append({ type: 'note' }, step('x'), step('y'))
    pact.confirm(1)
    await machine.settle()
    const head = machine.feed.head()
    pact.reorder<unknown>(1, () => [])
    await machine.settle()
    expect(machine.feed.after(head).map(e => e.kind)).toEqual([CORRECTION, CORRECTION, CORRECTION, CORRECTION])
    await machine.dispose()
  })

  test('begins behind the entry that seated this machine, once all before it is here', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    pact.append(...Array.from({ length: 1500 }, () => step('x')))
    pact.since = 1400
    pact.confirm()
    for (let position = 0; position < 1450; position++) pact.missing.add(position)
    await machine.bench.index.opened(pact.pact)
    await machine.settle()
    expect(machine.bench.index.entries(pact.pact, {}).entries).toHaveLength(50)
    expect(machine.feed.head()).toBe(0)
    pact.missing.clear()
    await machine.settle()
    const all = machine.feed.after(0, { limit: 1000 })
    expect(all.filter(e => e.kind === ENTRY_APPLIED).map(e => e.position)).toEqual(
      Array.from({ length: 99 }, (_, i) => 1401 + i),
    )
    await machine.dispose()
  })

  test('history that differs below what was confirmed is reported, and events go on', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    pact.append({ type: 'note' }, step('x'), step('y'), step('z'))
    pact.confirm()
    await machine.settle()
    const head = machine.feed.head()
    pact.betray(1)
    await machine.settle()
    await machine.settle()
    expect(machine.log.lines.map(({ message }) => message)).toEqual([
      'The log differs from the events below what was confirmed; events go on from its end.',
    ])
    pact.append(step('new'))
    await machine.settle()
    expect(machine.feed.after(head).map(e => e.kind)).toEqual([ENTRY_APPLIED, 'counter.new'])
    await machine.dispose()
  })

  test('a full disk loses nothing', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    pact.append({ type: 'note' }, step('x'))
    pact.confirm(1)
    await machine.settle()
    const pages = Number(machine.store.db.prepare('PRAGMA page_count').get()?.page_count)
    machine.store.db.exec(`PRAGMA max_page_count = ${pages}`)
    pact.append(...Array.from({ length: 200 }, () => step('y')))
    await machine.settle()
    expect(machine.log.lines.map(({ message }) => message)).toContain(
      'Events could not be recorded; they are tried again.',
    )
    const head = machine.feed.head()
    expect(head).toBe(2)
    machine.store.db.exec('PRAGMA max_page_count = 1000000')
    await machine.settle()
    expect(machine.feed.head()).toBe(402)
    expect(believed(machine.feed.after(0, { limit: 1000 })).size).toBe(402)
    await machine.dispose()
  })

  test('cursors are this machine’s and no others', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    const other = new EventMachine([pact])
    pact.append({ type: 'note' }, step('x'))
    pact.confirm(1)
    await machine.settle()
    const { feed } = machine
    expect(feed.read(feed.cursor(0))).toBe(0)
    expect(feed.read(feed.cursor(feed.head()))).toBe(2)
    for (const cursor of ['', 'x', feed.cursor(3), feed.cursor(-1), feed.cursor(0.5), other.feed.cursor(0)])
      expect(() => feed.read(cursor)).toThrow(expect.objectContaining({ code: 'EVENT_CURSOR_INVALID' }))
    const cursor = feed.cursor(1)
    await machine.restart()
    expect(machine.feed.read(cursor)).toBe(1)
    await other.dispose()
    await machine.dispose()
  })

  test('costs less than 100 bytes per event', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    pact.append({ type: 'note' })
    pact.confirm()
    await machine.settle()
    pact.append(...Array.from({ length: 5000 }, () => ({ type: 'note' })))
    pact.confirm()
    await machine.settle()
    machine.store.close()
    expect(statSync(join(machine.dir, 'local.db')).size / 5000).toBeLessThan(100)
    await machine.dispose()
  }, 60_000)
})
