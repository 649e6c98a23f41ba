/** Follows a pact by the hooks alone, as a plugin would: what they tell must fold to exactly the log. */
import type { LogRecord, Pact } from '../../kernel/index.ts'

export class Watch {
  /** Chain by position, hex; null for what stood in the log before and was not on this machine. */
  chain: (string | null)[] = []
  confirmed = 0
  /** The last length that the hooks called confirmed. The pact itself may say so a moment before them, also while it is being opened. */
  private told = 0
  reverts = 0
  readonly faults: string[] = []
  private readonly moved: () => void

  /** @param moved called after the hooks told something */
  constructor(moved: () => void) {
    this.moved = moved
  }

  async opened(pact: Pact): Promise<void> {
    const { length } = pact
    const records = await Promise.all(Array.from({ length }, (_, i) => pact.record(i)))
    this.chain = records.map(record => record?.chain.toString('hex') ?? null)
    this.confirmed = pact.confirmed
  }

  applied(records: LogRecord[]): void {
    for (const { position, chain } of records) {
      if (position !== this.chain.length)
        this.faults.push(`entry.applied gave position ${position} where ${this.chain.length} was next`)
      this.chain[position] = chain.toString('hex')
    }
    this.moved()
  }

  reverted(position: number): void {
    this.reverts++
    if (position >= this.chain.length)
      this.faults.push(`entry.reverted from ${position} on, but only ${this.chain.length} were applied`)
    if (position < this.confirmed)
      this.faults.push(`entry.reverted from ${position} on, below the confirmed ${this.confirmed}`)
    this.chain.length = Math.min(position, this.chain.length)
  }

  confirm(length: number): void {
    if (length <= this.told) this.faults.push(`entry.confirmed went from ${this.told} to ${length}`)
    this.told = length
    this.confirmed = Math.max(this.confirmed, length)
    this.moved()
  }
}
