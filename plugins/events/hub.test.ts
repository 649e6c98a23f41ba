import { describe, expect, test } from 'vitest'
import { Hub, type Sink, type Wanted } from './hub.ts'
import { CORRECTION, ENTRY_APPLIED, type Events, type PactEvent } from './service.ts'

/** Events in memory, and how often each was asked for. */
class Memory implements Events {
  readonly list: PactEvent[] = []
  reads = 0
  readonly #listeners = new Set<() => void>()

  after(seq: number, { limit = 256 }: { limit?: number } = {}): PactEvent[] {
    const found = this.list.slice(seq, seq + limit)
    this.reads += found.length
    return found
  }
  head(): number {
    return this.list.length
  }
  cursor(seq: number): string {
    return `c${seq}`
  }
  read(cursor: string): number {
    return Number(cursor.slice(1))
  }
  onEvents(fn: () => void): () => void {
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
    for (const fn of this.#listeners) fn()
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

const everything: Wanted = { pacts: null, types: null, topic: null }
const entry = (type: string, topic: string) => ({ type, topic }) as PactEvent['entry']

describe('a hub', () => {
  test('sends frames that can be resumed from, and the cursor before anything happened', () => {
    const events = new Memory()
    const hub = new Hub(events)
    const client = new Client()
    hub.open(client, everything, 0)
    events.add({ entry: entry('note', 'line\nbreak') })
    expect(client.text).toBe(
      'retry: 2000\nid: c0\n\nid: c1\nevent: entry-applied\ndata: {"seq":1,"id":"id1","pact":"p","subject":"entry","subject_id":"e1","position":1,"entry":{"type":"note","topic":"line\\nbreak"},"kind":"entry-applied"}\n\n',
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
    hub.open(clients.type, { ...everything, types: ['note'] }, 0)
    hub.open(clients.kind, { ...everything, types: ['task.claimed', 'task.open'] }, 0)
    hub.open(clients.topic, { ...everything, topic: 'ci' }, 0)
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
})
