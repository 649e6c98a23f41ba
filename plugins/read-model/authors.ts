/**
 * Whose agents wrote what is indexed. As a rule the ledger says it when an entry comes; after a fast-forward the state that says it may
 * still be on its way, and is asked for as long as that takes.
 */
import { ACCEPTED, type Delta, type LedgerAgent } from '../../kernel/index.ts'
import type { IndexParts } from './index-parts.ts'
import type { PactIndex } from './pact-index.ts'
import { People } from './people.ts'

export class Authors {
  /** The first accepted entry of which the ledger has not said yet whose agent wrote it; Infinity when there is none. */
  unnamed = Number.POSITIVE_INFINITY

  readonly #index: PactIndex
  readonly #parts: IndexParts
  #naming = false

  constructor(index: PactIndex, parts: IndexParts) {
    this.#index = index
    this.#parts = parts
  }

  /** Reads from the index which is the first. */
  load(): void {
    this.unnamed = this.#parts.people.firstUnnamed(this.#index.no)?.position ?? Number.POSITIVE_INFINITY
  }

  /** Nothing is indexed any more. */
  reset(): void {
    this.unnamed = Number.POSITIVE_INFINITY
  }

  /** Agents whose names have to be learnt with a step. */
  async ask(delta: Delta): Promise<LedgerAgent[]> {
    const { people, entries } = this.#parts
    const { pact, no, indexed } = this.#index
    if (delta.common < indexed && entries.typesFrom(no, delta.common).some(People.names)) return people.askAll(pact)
    return people.ask(pact, no, delta.records)
  }

  /** A step was indexed: what was undone does not count any more, and what was learnt with it may have named those before. */
  moved({ common, records }: Delta, learnt: boolean): void {
    const { people } = this.#parts
    if (this.unnamed < common) {
      if (learnt) this.load()
      return
    }
    const first = records.find(
      ({ entry, verdict }) =>
        entry && verdict === ACCEPTED && !people.find(this.#index.no, entry.agent.toString('hex'))?.identity,
    )
    this.unnamed = first?.position ?? Number.POSITIVE_INFINITY
  }

  /** Agents whose names could not be read when their entries came. */
  async askAgain(): Promise<void> {
    const { people } = this.#parts
    const { pact, no } = this.#index
    const agents = await people.askAgain(pact, no)
    if (agents.length > 0 && !this.#index.closed) this.#parts.transaction(() => people.learn(no, agents))
  }

  /**
   * Learns who wrote what was indexed before the ledger could say it, however long that takes. It can: whom it does not know it does not
   * accept. Answers false when the log has moved or its state is not here, so that it must be tried again.
   */
  async name(): Promise<boolean> {
    if (this.#naming) return true
    this.#naming = true
    const { people } = this.#parts
    const { pact, no } = this.#index
    try {
      for (let first = people.firstUnnamed(no); first && !this.#index.closed; first = people.firstUnnamed(no)) {
        const agent = await people.askLong(pact, first.key)
        if (this.#index.closed) return true
        if (!agent) return false
        await this.#index.exclusively(async () => this.#learn(agent))
      }
      return true
    } finally {
      this.#naming = false
    }
  }

  #learn(agent: LedgerAgent): void {
    const { pact, no, indexed, closed } = this.#index
    if (closed) return
    const { people, notify } = this.#parts
    this.#parts.transaction(() => people.learn(no, [agent]))
    const from = this.unnamed
    this.load()
    notify(pact, Math.min(from, indexed))
  }
}
