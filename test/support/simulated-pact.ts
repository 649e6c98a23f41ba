/** A pact whose log a test moves at will: real records, real `delta`, no Autobase. For what only follows a log. */
import type Hypercore from 'hypercore'
import type { Checkpoint, Delta, Draft, LedgerAgent, LogRecord, Member, Pact } from '../../kernel/index.ts'
import { encodeEntry, entryId } from '../../kernel/ledger/envelope.ts'
import { deltaOf, RecentRecords, readRecord } from '../../kernel/ledger/follower.ts'
import { encodeRecord, type Judged, ZERO } from '../../kernel/ledger/record.ts'

/** What a test wants to stand in the log. `garbage` makes a malformed block. */
export interface Linearised extends Partial<Draft> {
  writer?: number
  verdict?: string
  garbage?: boolean
}

export const AGENT = Buffer.alloc(32, 0xaa)

export class SimulatedPact {
  readonly id: string
  readonly alias: string
  readonly key: Buffer
  readonly writer = writerKey(0)
  closed = false
  confirmed = 0
  /** Positions whose blocks are not on this machine. */
  missing = new Set<number>()
  /** Position of the entry that seated this machine. */
  since = 0
  #judged: Judged[] = []
  #mute = false
  #asking: (() => void)[] = []
  #blocks: Buffer[] = []
  readonly #counters = new Map<number, number>()

  constructor(name = 'simulated') {
    this.alias = name
    this.id = Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)
    this.key = Buffer.from(this.id, 'hex')
  }

  /** As the plugins get it. */
  get pact(): Pact {
    return this as unknown as Pact
  }

  get length(): number {
    return this.#blocks.length
  }

  /** The state view is not here: who asks it waits until it is. */
  set mute(mute: boolean) {
    this.#mute = mute
    if (!mute) for (const answer of this.#asking.splice(0)) answer()
  }

  /** Appends entries; answers their ids. */
  append(...entries: Linearised[]): string[] {
    const judged = entries.map(entry => this.#judge(entry))
    this.#set([...this.#judged, ...judged])
    return judged.map(({ writer, n }) => entryId(writer, n))
  }

  /** Puts what stands from `position` on into another order; `change` gets and answers it. */
  reorder<T>(position: number, change: (tail: T[]) => T[]): void {
    if (position < this.confirmed) throw new Error('what is confirmed never moves')
    this.#set([...this.#judged.slice(0, position), ...(change(this.#judged.slice(position) as T[]) as Judged[])])
  }

  /** Breaks the promise that what is confirmed never moves. */
  betray(position: number): void {
    this.#set([...this.#judged.slice(0, position), ...this.#judged.slice(position).reverse()])
  }

  confirm(length = this.length): void {
    this.confirmed = Math.max(this.confirmed, length)
  }

  /** Chain of the prefix of a length. */
  async chainAt(length: number): Promise<Buffer> {
    return length === 0 ? ZERO : (await this.record(length - 1))!.chain
  }

  record(position: number): Promise<LogRecord | null> {
    return readRecord(this.#log(), position)
  }

  delta(checkpoints: Iterable<Checkpoint>, limit = 1024): Promise<Delta> {
    return deltaOf(this.#log(), this.confirmed, new RecentRecords(), checkpoints, limit)
  }

  async agents(): Promise<LedgerAgent[]> {
    if (this.#mute) await new Promise<void>(resolve => this.#asking.push(resolve))
    return [{ key: AGENT.toString('hex'), name: 'claude', identity: 'bb'.repeat(32), label: null, revoked: false }]
  }

  async agentByKey(key: string): Promise<LedgerAgent | null> {
    return (await this.agents()).find(agent => agent.key === key) ?? null
  }

  async members(): Promise<Member[]> {
    const seat = { identity: 'bb'.repeat(32), noise: 'cc'.repeat(32), role: 'admin', indexer: true } as const
    return [{ ...seat, writer: this.writer.toString('hex'), since: this.since }]
  }

  #judge({ writer: number = 0, verdict = 'accepted', garbage = false, ...draft }: Linearised): Judged {
    const writer = writerKey(number)
    const n = (this.#counters.get(number) ?? 0) + 1
    this.#counters.set(number, n)
    if (garbage) return { writer, n, verdict: 'malformed', bytes: Buffer.from(`garbage ${n}`), entry: null }
    const { entry, bytes } = encodeEntry(
      {
        v: 1,
        type: draft.type ?? 'note',
        n,
        timestamp: draft.timestamp ?? 1_700_000_000_000 + n * 1000,
        topic: draft.topic ?? '',
        payload: Buffer.isBuffer(draft.payload) ? draft.payload : Buffer.from(JSON.stringify(draft.payload ?? {})),
        refs: (draft.refs ?? []).map(ref => (typeof ref === 'string' ? { id: ref, type: 'related' } : ref)),
        agent: AGENT,
        origin: draft.origin ?? '',
        caused_by: draft.caused_by ?? '',
        hops: draft.hops ?? 0,
        dedup: draft.dedup ?? null,
        enc: draft.enc ?? '',
        ext: null,
      },
      this.key,
      writer,
      () => Buffer.alloc(64),
    )
    return { writer, n, verdict, bytes, entry }
  }

  #set(judged: Judged[]): void {
    this.#judged = judged
    let chain = ZERO
    this.#blocks = judged.map(one => {
      const { block, chain: next } = encodeRecord(one, chain)
      chain = next
      return block
    })
  }

  #log(): Hypercore {
    const blocks = this.#blocks
    const { confirmed, missing } = this
    const get = async (i: number) => (missing.has(i) ? null : (blocks[i] ?? null))
    return { length: blocks.length, signedLength: confirmed, get } as unknown as Hypercore
  }
}

function writerKey(number: number): Buffer {
  return Buffer.alloc(32, number + 1)
}
