/** The newest entries of a pact whose older history is still on its way: rows to read at once, without tables, changes or events. */
import type { LogRecord } from '../../kernel/index.ts'
import type { IndexParts } from './index-parts.ts'
import type { PactIndex } from './pact-index.ts'
import { readPayload } from './payloads.ts'

/** Entries at most. */
const WINDOW = 200

export class Preview {
  readonly #index: PactIndex
  readonly #parts: IndexParts
  /** Positions of the rows, with the chain that each was written for. */
  readonly #held = new Map<number, Buffer>()

  constructor(index: PactIndex, parts: IndexParts) {
    this.#index = index
    this.#parts = parts
  }

  get empty(): boolean {
    return this.#held.size === 0
  }

  /** Takes what of the newest entries is on this machine, and checks what was taken before. Never waits for the network. */
  async fill(): Promise<void> {
    const { pact } = this.#index
    const { length } = pact
    const from = Math.max(this.#index.indexed, length - WINDOW)
    const found = await Promise.all(Array.from({ length: Math.max(0, length - from) }, (_, i) => pact.record(from + i)))
    await this.add(found.filter(record => record !== null))
  }

  /** Takes records that were just handed over. */
  async add(records: readonly LogRecord[]): Promise<void> {
    const { pact, no } = this.#index
    const agents = await this.#parts.people.ask(pact, no, records)
    if (this.#index.closed) return
    const oldest = Math.max(this.#index.indexed, pact.length - WINDOW)
    const fresh = records.filter(r => r.position >= oldest && !this.#held.get(r.position)?.equals(r.chain))
    if (fresh.length === 0) return
    this.#parts.transaction(() => {
      const { entries, people, kernel } = this.#parts
      people.learn(no, agents)
      entries.cutPreview(no, { to: oldest })
      for (const record of fresh) {
        entries.cutPreview(no, { from: record.position, to: record.position + 1 })
        entries.insert(no, record, readPayload(record, kernel), true)
      }
    })
    this.forget(oldest)
    for (const { position, chain } of fresh) this.#held.set(position, Buffer.from(chain))
  }

  /** The hooks took entries from `position` on back. What they tell comes behind what is shown here, so only what does not hold goes. */
  async recheck(position: number): Promise<void> {
    const held = [...this.#held].filter(([at]) => at >= position)
    const records = await Promise.all(held.map(([at]) => this.#index.pact.record(at)))
    if (this.#index.closed) return
    for (const [i, [at, chain]] of held.entries()) {
      if (records[i]?.chain.equals(chain) || this.#held.get(at) !== chain) continue
      this.#parts.entries.cutPreview(this.#index.no, { from: at, to: at + 1 })
      this.#held.delete(at)
    }
  }

  /** Takes all rows away, those of an earlier run too. */
  clear(): void {
    this.#parts.entries.cutPreview(this.#index.no)
    this.forget(Number.POSITIVE_INFINITY)
  }

  /** Rows of entries below `length` are gone: they are indexed now. */
  forget(length: number): void {
    for (const position of this.#held.keys()) if (position < length) this.#held.delete(position)
  }
}
