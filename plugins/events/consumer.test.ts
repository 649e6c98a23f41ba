import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { action, EventMachine, perform, step, truth } from '../../test/support/event-machine.ts'
import { reached } from '../../test/support/index-bench.ts'
import { SimulatedPact } from '../../test/support/simulated-pact.ts'
import { Retention } from './retention.ts'
import { CORRECTION, type Consumer, ENTRY_APPLIED, type Match, type PactEvent } from './service.ts'

const RUNS = 6

const matches: Record<string, Match> = {
  all: {},
  steps: { type: 'step' },
  sure: { type: 'step', until: 'confirmed' },
  new: { status: 'new', topic: 't' },
}

/** Writes down what it is told, in its transaction; now and then, ever more rarely, it fails after it wrote. */
class Clerk {
  consumer!: Consumer
  calls = 0
  /** The call that will fail. */
  fails: number
  readonly rarer: number

  constructor(fails = Number.POSITIVE_INFINITY, rarer = 2) {
    this.fails = fails
    this.rarer = rarer
  }

  begin = (machine: EventMachine) => {
    const { db } = machine.store
    db.exec('CREATE TABLE IF NOT EXISTS clerk_book(no INTEGER PRIMARY KEY, key TEXT, event TEXT, pact TEXT, what TEXT)')
    const write = (event: PactEvent, keys: readonly string[], what: string) => {
      for (const key of keys)
        db.prepare('INSERT INTO clerk_book(key, event, pact, what) VALUES (?, ?, ?, ?)').run(
          key,
          event.corrects ?? event.id,
          event.pact,
          what,
        )
      if (++this.calls < this.fails) return
      this.fails = Math.ceil(this.calls * this.rarer)
      throw new Error('the clerk dropped the pen')
    }
    this.consumer = machine.consumers.open({
      name: 'clerk',
      handle: ({ event }, keys) => write(event, keys, `${event.position} ${event.subject_id} ${event.kind}`),
      correct: (event, keys) => write(event, keys, CORRECTION),
    })
    for (const [key, match] of Object.entries(matches)) this.consumer.set(key, machine.matcher.compile(match), 0)
    this.consumer.start()
  }

  /** Until nothing is left, however often it failed. */
  async finish(): Promise<void> {
    for (;;) {
      await this.consumer.settled()
      if (this.consumer.status().behind === 0 && this.consumer.status().error === null) return
    }
  }
}

interface Line {
  event: string
  what: string
}

function book({ store }: EventMachine, key: string, pact: string): Line[] {
  const sql = 'SELECT event, what FROM clerk_book WHERE key = ? AND pact = ? ORDER BY no'
  return store.db.prepare(sql).all(key, pact) as unknown as Line[]
}

/** What stands in the end for who believes every line and takes back what was corrected, in the order it was told. */
function standing(lines: readonly Line[]): string[] {
  const found = new Map<string, string>()
  for (const { event, what } of lines) {
    if (what === CORRECTION) expect(found.delete(event), 'only what was told is corrected').toBe(true)
    else {
      expect(found.has(event), 'nothing is told twice').toBe(false)
      found.set(event, what)
    }
  }
  return [...found.values()]
}

describe('a consumer', () => {
  test('handles every event once, in order, whatever the log does and however often it fails', async () => {
    // Long lives: what goes wrong goes wrong between a settling, a reorder and a confirmation.
    const life = fc.array(fc.tuple(action, fc.boolean()), { minLength: 60, maxLength: 90, size: 'max' })
    let corrections = 0
    await fc.assert(
      fc.asyncProperty(life, fc.integer({ min: 3, max: 9 }), async (actions, fails) => {
        const pacts = [new SimulatedPact('one'), new SimulatedPact('two')] as const
        const clerk = new Clerk(fails)
        const machine = new EventMachine(pacts, clerk.begin)
        try {
          for (const pact of pacts) {
            pact.append({ type: 'note' })
            pact.confirm()
          }
          await machine.settle()
          for (const [one, settles] of actions) {
            await perform(one, machine, pacts)
            if (settles) await machine.settle()
          }
          await machine.settle()
          await clerk.finish()
          for (const pact of pacts) await check(machine, pact)
          const told = machine.store.db.prepare('SELECT count(*) AS n FROM clerk_book WHERE what = ?').get(CORRECTION)
          corrections += Number(told!.n)
        } finally {
          await machine.dispose()
        }
      }),
      { seed: 5, numRuns: RUNS },
    )
    expect(corrections).toBeGreaterThan(100)
  }, 600_000)

  async function check(machine: EventMachine, pact: SimulatedPact): Promise<void> {
    const { index } = machine.bench
    const truly = await truth(machine, pact)
    const all = (await index.changes(pact.pact, pact.since + 1, 10_000)).flatMap(
      ({ position, id, type, verdict, changes }) => [
        ...(verdict === 'accepted' ? [{ position, what: `${position} ${id} ${ENTRY_APPLIED}`, type }] : []),
        ...new Map(
          changes.map(c => [`${c.id} ${c.kind}`, { position, what: `${position} ${c.id} ${c.kind}`, type: c.kind }]),
        ).values(),
      ],
    )
    expect(all.length).toBeLessThanOrEqual(truly.length)
    const told = (key: string) => book(machine, key, pact.id)
    expect(standing(told('all'))).toEqual(all.map(({ what }) => what))
    expect(standing(told('steps'))).toEqual(all.filter(({ type }) => type === 'step').map(({ what }) => what))
    expect(standing(told('new'))).toEqual(all.filter(({ type }) => type === 'counter.new').map(({ what }) => what))
    const { confirmed } = index.progress(pact.pact)
    const sure = all.filter(({ type, position }) => type === 'step' && position < confirmed)
    expect(told('sure').map(({ what }) => what)).toEqual(sure.map(({ what }) => what))
  }

  test('hears of an entry when it is known who wrote it, over a restart too, and of what came after it then', async () => {
    const pact = new SimulatedPact()
    const owners: (string | null)[] = []
    let consumer!: Consumer
    const machine = new EventMachine([pact], ({ consumers, matcher }) => {
      consumer = consumers.open({
        name: 'owned',
        handle: ({ entry }) => void owners.push(entry!.identity),
        correct() {},
      })
      consumer.set('mine', matcher.compile({ type: 'step', owner: 'bb'.repeat(32) }), 0)
      consumer.set('any', matcher.compile({ type: 'step' }), 0)
      consumer.start()
    })
    pact.mute = true
    pact.append({ type: 'note' }, step('x'), step('x'))
    pact.confirm()
    await machine.settle()
    await consumer.settled()
    await machine.restart()
    await machine.settle()
    await consumer.settled()
    expect([machine.feed.after(0), owners]).toEqual([[], []])
    const named = reached(machine.bench.index, () => machine.bench.index.progress(pact.pact).reach === 3)
    pact.mute = false
    await named
    await machine.settle()
    await consumer.settled()
    expect(owners).toEqual(['bb'.repeat(32), 'bb'.repeat(32)])
    expect(consumer.status()).toMatchObject({ behind: 0, error: null })
    await machine.dispose()
  })

  test('hears nothing from before it asked, nor after it was let go', async () => {
    const pact = new SimulatedPact()
    const clerk = new Clerk()
    const machine = new EventMachine([pact], clerk.begin)
    pact.append({ type: 'note' }, step('x'))
    pact.confirm(1)
    await machine.settle()
    clerk.consumer.set('late', machine.matcher.compile({}), machine.feed.head())
    pact.append(step('y'))
    await machine.settle()
    clerk.consumer.delete('steps')
    pact.append(step('z'))
    await machine.settle()
    await clerk.finish()
    expect(book(machine, 'late', pact.id).map(({ what }) => what.split(' ')[0])).toEqual(['2', '2', '3', '3'])
    expect(book(machine, 'steps', pact.id)).toHaveLength(2)
    expect(clerk.consumer.status()).toMatchObject({ matches: 4, behind: 0, waiting: 3, error: null })
    pact.confirm()
    await machine.settle()
    await clerk.finish()
    expect(clerk.consumer.status().waiting).toBe(0)
    expect(() => machine.consumers.open({ name: 'clerk', handle() {}, correct() {} })).toThrow('already')
    await machine.dispose()
  })

  test('says what is behind and why; events it has still to see are not pruned, others are', async () => {
    const pact = new SimulatedPact()
    const clerk = new Clerk(1, 1)
    const machine = new EventMachine([pact], clerk.begin)
    pact.append({ type: 'note' })
    pact.confirm()
    await machine.settle()
    pact.append(...Array.from({ length: 1500 }, () => step('x')))
    pact.confirm()
    await machine.settle()
    await clerk.consumer.settled()
    const { feed } = machine
    expect(clerk.consumer.status()).toMatchObject({ behind: 3000, error: 'the clerk dropped the pen' })
    const { outbox, consumers, bench, log } = machine
    const retention = new Retention(outbox, consumers, bench.kernel, { keep_days: 30, keep_events: 1000 }, log)
    retention.prune()
    expect(feed.floor()).toBe(0)
    for (const key of Object.keys(matches)) clerk.consumer.delete(key)
    const late = machine.consumers.open({ name: 'late', handle() {}, correct() {} })
    retention.prune()
    expect(feed.floor()).toBe(0)
    late.start()
    const [old, kept] = [feed.cursor(1999), feed.cursor(2000)]
    retention.prune()
    expect([feed.floor(), feed.after(0, { limit: 1 })[0]?.seq, feed.head()]).toEqual([2000, 2001, 3000])
    expect(() => feed.read(old)).toThrow(expect.objectContaining({ code: 'EVENT_CURSOR_EXPIRED' }))
    expect(feed.read(kept)).toBe(2000)
    retention.prune(Date.now() + 31 * 24 * 3_600_000)
    expect([feed.floor(), feed.head()]).toEqual([2999, 3000])
    retention.close()
    await machine.restart()
    expect([machine.feed.floor(), machine.feed.head()]).toEqual([2999, 3000])
    pact.append(step('y'))
    await machine.settle()
    expect(machine.feed.head()).toBe(3002)
    await machine.dispose()
  })

  test('is shown nothing while the index says other things than were recorded', async () => {
    const pact = new SimulatedPact()
    const machine = new EventMachine([pact])
    pact.append({ type: 'note' }, step('x'), step('x'))
    pact.confirm(1)
    await machine.settle()
    const { feed, bench } = machine
    const before = feed.after(0)
    expect(before).toHaveLength(4)
    pact.reorder(1, tail => tail.reverse())
    // The index has followed; the outbox comes in a later turn.
    await bench.index.sync(pact.pact)
    expect(feed.after(0)).toEqual([])
    await machine.settle()
    expect(feed.after(0)).toHaveLength(12)
    const rebuilt = bench.index.rebuild()
    await Promise.resolve()
    expect(feed.after(before.length)).toHaveLength(4)
    await rebuilt
    await machine.settle()
    expect(feed.after(0)).toHaveLength(12)
    await machine.dispose()
  })
})
