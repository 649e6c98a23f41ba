/** Index, outbox and consumers over simulated pacts, and random lives for them: for what must hold whatever a log does. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import { OutboxConsumers } from '../../plugins/events/consumers.ts'
import { Feed } from '../../plugins/events/feed.ts'
import { LocalMatcher } from '../../plugins/events/matcher.ts'
import { Outbox } from '../../plugins/events/outbox.ts'
import { People } from '../../plugins/events/people.ts'
import { CORRECTION, ENTRY_APPLIED, type PactEvent } from '../../plugins/events/service.ts'
import { LocalStore } from '../../plugins/store/local.ts'
import { type Bench, bench, recordingLog } from './index-bench.ts'
import type { SimulatedPact } from './simulated-pact.ts'

/** `restart` opens all of it again without a word to the old ones. */
export class EventMachine {
  readonly pacts: readonly SimulatedPact[]
  readonly bench: Bench
  readonly dir = mkdtempSync(join(tmpdir(), 'openpact-outbox-'))
  readonly log = recordingLog()
  store!: LocalStore
  outbox!: Outbox
  feed!: Feed
  matcher!: LocalMatcher
  consumers!: OutboxConsumers
  readonly #began: (machine: EventMachine) => void

  /** @param began called at the start and at every restart, to open consumers */
  constructor(pacts: readonly SimulatedPact[], began: (machine: EventMachine) => void = () => {}) {
    this.pacts = pacts
    this.bench = bench([...pacts])
    this.#began = began
    this.#begin()
  }

  async restart(): Promise<void> {
    await this.#end()
    await this.bench.reopen()
    this.#begin()
  }

  async settle(): Promise<void> {
    for (const { pact } of this.pacts) {
      await this.bench.index.sync(pact)
      await this.feed.settled(pact)
    }
  }

  async dispose(): Promise<void> {
    await this.#end()
    rmSync(this.dir, { recursive: true })
    await this.bench.dispose()
  }

  #begin(): void {
    const { index: model, kernel } = this.bench
    const { log } = this
    this.store = new LocalStore(this.dir)
    this.outbox = new Outbox(this.store)
    this.feed = new Feed(this.outbox, model, kernel, log)
    this.matcher = new LocalMatcher(model, kernel, new People())
    const { store, outbox, feed: events, matcher } = this
    this.consumers = new OutboxConsumers({ store, outbox, events, matcher, model, kernel, log })
    this.#began(this)
  }

  async #end(): Promise<void> {
    await this.consumers.close()
    await this.feed.close()
    this.store.close()
  }
}

export const step = (counter: string, by = 1) => ({ type: 'step', topic: 't', payload: { counter, by } })

/** What a reader who acts on every event and every correction believes in the end: ids of events, by pact. */
export function believed(all: readonly PactEvent[]): Map<string, PactEvent> {
  const found = new Map<string, PactEvent>()
  for (const event of all) {
    if (event.kind === CORRECTION) {
      expect(found.has(event.corrects!), 'a correction takes back what was told').toBe(true)
      found.delete(event.corrects!)
    } else {
      expect(found.has(event.id), 'nothing is told twice').toBe(false)
      found.set(event.id, event)
    }
  }
  return found
}

/** What should be believed of a pact: every entry behind the one that seated this machine, and what tables made of it. */
export async function truth(machine: EventMachine, pact: SimulatedPact): Promise<string[]> {
  const index = machine.bench.index
  const happened = await index.changes(pact.pact, pact.since + 1, 10_000)
  return happened.flatMap(({ position, id, changes }) => [
    `${position} entry ${id} ${ENTRY_APPLIED}`,
    ...changes.map(c => `${position} ${c.subject} ${c.id} ${c.kind} ${JSON.stringify(c.data)}`),
  ])
}

export const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      by: fc.array(fc.integer({ min: -2, max: 14 }), { minLength: 1, maxLength: 5 }),
      pact: fc.nat(1),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('reorder' as const), back: fc.nat(8), turn: fc.nat(3), pact: fc.nat(1) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('confirm' as const), back: fc.nat(5), pact: fc.nat(1) }) },
  { weight: 4, arbitrary: fc.constant({ do: 'settle' as const }) },
  // The index is written and the outbox is not: what a kill between the two leaves behind.
  { weight: 2, arbitrary: fc.constant({ do: 'index only' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'rebuild' as const }) },
)

export async function perform(
  one: typeof action extends fc.Arbitrary<infer T> ? T : never,
  machine: EventMachine,
  pacts: readonly SimulatedPact[],
): Promise<void> {
  if ('pact' in one) {
    const pact = pacts[one.pact]!
    if (one.do === 'append')
      pact.append(...one.by.map((by, i) => (by === 14 ? { type: 'step', verdict: 'no' } : step(`c${i % 2}`, by))))
    else if (one.do === 'confirm') pact.confirm(Math.max(1, pact.length - one.back))
    else {
      pact.reorder(Math.max(pact.confirmed, pact.length - one.back), tail =>
        one.turn === 0 ? tail.slice(1) : [...tail.slice(one.turn), ...tail.slice(0, one.turn).reverse()],
      )
    }
    return
  }
  if (one.do === 'settle') await machine.settle()
  else if (one.do === 'index only') await Promise.all(pacts.map(({ pact }) => machine.bench.index.sync(pact)))
  else if (one.do === 'restart') await machine.restart()
  else await machine.bench.index.rebuild()
}
