import { describe, expect, test } from 'vitest'
import type { Kernel, Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import { compileMatch } from './compile.ts'
import { Hub as EventHub, type Sink, type Wanted } from './hub.ts'
import { Seen } from './occurrence.ts'
import { CORRECTION, ENTRY_APPLIED, type Events, type PactEvent } from './service.ts'

/** Events in memory, and how often each was asked for. */
class Memory implements Events {
  readonly list: PactEvent[] = []
  reads = 0
  readonly #listeners = new Set<(pact: Pact) => void>()

  after(seq: number, { limit = 256 }: { limit?: number } = {}): PactEvent[] {
    const found = this.list.slice(seq, seq + limit)
    this.reads += found.length
    return found
  }
  head(): number {
    return this.list.length
  }
  floor(): number {
    return 0
  }
  cursor(seq: number): string {
    return `c${seq}`
  }
  read(cursor: string): number {
    return Number(cursor.slice(1))
  }
  onEvents(fn: (pact: Pact) => void): () => void {
    this.#listeners.add(fn)
    return () => void this.#listeners.delete(fn)
  }
  settled(): Promise<void> {
    return Promise.resolve()
  }
  add(...events: Partial<PactEvent>[]): void {
    for (const event of events) {
      const seq = this.list.length + 1
      this.list.push({
        seq,
        id: `id${seq}`,
        pact: 'p',
        kind: ENTRY_APPLIED,
        subject: 'entry',
        subject_id: `e${seq}`,
        position: seq,
        ...event,
      })
    }
    this.tell()
  }
  tell(): void {
    for (const fn of this.#listeners) fn(pact)
  }
}

/** A client that takes `room` writes and then none until it is drained. */
class Client implements Sink {
  text = ''
  writes = 0
  destroyed = false
  #drain: (() => void) | null = null
  room: number

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room
  }
  write(chunk: string | Buffer): boolean {
    this.text += chunk.toString()
    this.writes++
    this.room--
    return this.room > 0
  }
  once(_: 'drain', fn: () => void): void {
    this.#drain = fn
  }
  destroy(): void {
    this.destroyed = true
  }
  drain(room = Number.POSITIVE_INFINITY): void {
    this.room = room
    this.#drain?.()
  }
  get ids(): string[] {
    return [...this.text.matchAll(/^id: (c\d+)\nevent/gm)].map(([, id]) => id!)
  }
}

const everything: Wanted = { pacts: null, match: null }
const pact = { id: 'p' } as Pact
/** How far the one pact is confirmed. */
const model = { confirmed: 0, progress: () => model, entryAt: () => null, entry: () => null }

class Hub extends EventHub {
  constructor(events: Memory, roles = new Map<string, string>(), people: () => Promise<unknown> = async () => {}) {
    // As they are when an event is looked at.
    const known = () => ({ roles: new Map(roles), handles: new Map<string, string>() })
    super(
      events,
      event => new Seen(event, pact, model as unknown as ReadModel, known()),
      people,
      id => id !== 'left',
    )
  }
}

function only(match: object): Wanted {
  return { pacts: null, match: compileMatch(match, {} as Kernel) }
}
const entry = (type: string, topic: string, verdict = 'accepted') => ({ type, topic, verdict }) as PactEvent['entry']

describe('a hub', () => {
  test('sends frames that can be resumed from, and the cursor before anything happened', () => {
    const events = new Memory()
    const hub = new Hub(events)
    const client = new Client()
    hub.open(client, everything, 0)
    events.add({ entry: entry('note', 'line\nbreak') })
    expect(client.text).toBe(
      'retry: 2000\nid: c0\n\nid: c1\nevent: entry-applied\ndata: {"seq":1,"id":"id1","pact":"p","subject":"entry","subject_id":"e1","position":1,"entry":{"type":"note","topic":"line\\nbreak","verdict":"accepted"},"kind":"entry-applied"}\n\n',
    )
    hub.close()
  })

  test('makes each frame once for hundreds of clients', () => {
    const events = new Memory()
    const hub = new Hub(events)
    const clients = Array.from({ length: 300 }, () => new Client())
    for (const client of clients) hub.open(client, everything, 0)
    for (let i = 0; i < 700; i++) events.add({})
    expect(events.reads).toBe(700)
    for (const client of clients) expect(client.ids).toHaveLength(700)
    hub.close()
  })

  test('sends what a client missed, then what is new, without a gap', () => {
    const events = new Memory()
    const hub = new Hub(events)
    events.add(...Array.from({ length: 1000 }, () => ({})))
    const [old, older] = [new Client(), new Client(3)]
    hub.open(old, everything, 700)
    hub.open(older, everything, 10)
    events.add({}, {})
    older.drain(2)
    events.add({})
    older.drain()
    const from = (seq: number) => Array.from({ length: 1003 - seq }, (_, i) => `c${seq + 1 + i}`)
    expect(old.ids).toEqual(from(700))
    expect(older.ids).toEqual(from(10))
    hub.close()
  })

  test('piles nothing up for a client that does not read, and cuts it off in the end', () => {
    const events = new Memory()
    const hub = new Hub(events)
    const [slow, quick] = [new Client(2), new Client()]
    const late = hub.open(slow, everything, 0)
    hub.open(quick, everything, 0)
    events.add({})
    for (let i = 0; i < 500; i++) events.add({})
    expect(slow.writes).toBe(2)
    expect(quick.ids).toHaveLength(501)
    hub.keepAlive()
    expect([slow.destroyed, slow.writes, hub.size]).toEqual([false, 2, 2])
    hub.keepAlive(Date.now() + 40_000)
    expect([slow.destroyed, quick.destroyed, hub.size]).toEqual([true, false, 1])
    expect(quick.text.endsWith(':\n\n:\n\n')).toBe(true)
    slow.drain()
    expect(slow.writes).toBe(2)
    late()
    hub.close()
  })

  test('sends only what is wanted, but every correction of a pact', () => {
    const events = new Memory()
    const hub = new Hub(events)
    const clients = {
      pact: new Client(),
      type: new Client(),
      kind: new Client(),
      topic: new Client(),
      none: new Client(),
    }
    hub.open(clients.pact, { ...everything, pacts: ['q'] }, 0)
    hub.open(clients.type, only({ type: 'note' }), 0)
    hub.open(clients.kind, only({ type: ['task.claimed', 'task.open'] }), 0)
    hub.open(clients.topic, only({ topic: 'c*' }), 0)
    hub.open(clients.none, { ...everything, pacts: [] }, 0)
    events.add(
      { entry: entry('note', 'ci') },
      { entry: entry('task', 'ci') },
      { kind: 'task.claimed', subject: 'task', data: { topic: 'ci' } },
      { kind: 'task.claimed', subject: 'task', data: { topic: 'docs' }, pact: 'q' },
      { kind: CORRECTION, corrects: 'id1' },
      { entry: null, stale: true },
    )
    expect(clients.pact.ids).toEqual(['c4'])
    expect(clients.type.ids).toEqual(['c1', 'c5'])
    expect(clients.kind.ids).toEqual(['c3', 'c4', 'c5'])
    expect(clients.topic.ids).toEqual(['c1', 'c2', 'c3', 'c5'])
    expect(clients.none.ids).toEqual([])
    hub.close()
  })

  test('waits, where it is asked to, until what it sends is confirmed', () => {
    const events = new Memory()
    const hub = new Hub(events)
    const [sure, soon] = [new Client(), new Client()]
    hub.open(sure, only({ type: 'note', until: 'confirmed' }), 0)
    hub.open(soon, only({ type: 'note' }), 0)
    model.confirmed = 2
    events.add({ entry: entry('note', 'a') }, { entry: entry('note', 'b') }, { entry: entry('task', 'c') })
    events.add({ kind: CORRECTION, corrects: 'id2' }, { entry: entry('note', 'd') })
    expect(sure.ids).toEqual(['c1'])
    expect(soon.ids).toEqual(['c1', 'c2', 'c4', 'c5'])
    events.list[1]!.stale = true
    model.confirmed = 6
    events.tell()
    expect(sure.ids).toEqual(['c1', 'c5'])
    hub.close()
  })

  test('learns who has which role before it sends to who asks for one, and holds nobody else up', async () => {
    const events = new Memory()
    const roles = new Map<string, string>()
    const answers: { resolve: () => void; reject: (error: Error) => void }[] = []
    const asked = () => new Promise<void>((resolve, reject) => answers.push({ resolve, reject }))
    const hub = new Hub(events, roles, asked)
    const [admins, all] = [new Client(), new Client()]
    hub.open(all, everything, 0)
    hub.open(admins, only({ role: 'admin' }), 0)
    events.add({ entry: { ...entry('note', 'a'), identity: 'promoted' } as PactEvent['entry'] })
    answers.shift()!.reject(new Error('its state is not here'))
    expect(all.ids).toEqual(['c1'])
    roles.set('promoted', 'admin')
    hub.keepAlive()
    for (const { resolve } of answers.splice(0)) resolve()
    await new Promise(setImmediate)
    expect(admins.ids).toEqual(['c1'])
    hub.close()
  })
})
