/**
 * What is counted per writer: the last `n`, the last malformed block, the highest timestamp. The log itself holds these, so `state`
 * gets them only when the log passes a multiple of FOLD: a put per entry would be a fifth of the cost of a lone append.
 * Rows `k/n/<8 hex>` = [n, malformed block, timestamp] are complete up to the log length in `k/folded`; the rest is read from the log.
 */
import type Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { readBlock } from './follower.ts'
import { decodeRecord } from './record.ts'
import { NETWORK_LIMIT, readState, type StateWriter } from './state.ts'

const FOLD = 64

export type Counter = [n: number, bad: number, time: number]

interface Counted {
  writer: Buffer
  n: number
  entry: { timestamp: number } | null
}

export class Counters {
  private rows = new Map<string, Counter>()
  private dirty = new Set<string>()
  private chain: Buffer | null = null

  /** Starts an apply call on a log that ends with `chain`. */
  async begin(state: StateWriter, log: Hypercore, chain: Buffer): Promise<void> {
    const known = this.chain?.equals(chain) ?? false
    // Until `end` nothing in memory is to be trusted: apply may be cut short.
    this.chain = null
    if (known) return
    this.rows = new Map()
    this.dirty = new Set()
    const folded = (await state.get<number>('k/folded')) ?? 0
    for (let position = folded; position < log.length; position++) {
      const record = decodeRecord(position, (await log.get(position)) as Buffer)
      // What was carried over is counted by nobody: its writers are not of this pact.
      if (!record.carried) this.count(await this.row(state, record.writer), record)
    }
  }

  /** The counter of a writer on a log that ends with `chain`, if that is what is in memory. */
  known(writer: string, chain: Buffer): Counter | null {
    const row = this.chain?.equals(chain) && this.rows.get(writer.slice(0, 8))
    return row ? [...row] : null
  }

  /** The counter of a writer; changed in place by `count`. */
  async row(state: StateWriter, writer: Buffer): Promise<Counter> {
    const key = prefixOf(writer)
    const row = this.rows.get(key) ?? (await state.get<Counter>(`k/n/${key}`)) ?? [0, 0, 0]
    this.rows.set(key, row)
    return row
  }

  count(row: Counter, record: Counted): void {
    countInto(row, record)
    this.dirty.add(prefixOf(record.writer))
  }

  /** Ends an apply call that took the log from `before` to `after`. */
  end(state: StateWriter, before: number, after: number, chain: Buffer): void {
    if (Math.floor(before / FOLD) !== Math.floor(after / FOLD)) {
      for (const key of [...this.dirty].sort()) state.put(`k/n/${key}`, this.rows.get(key))
      state.put('k/folded', after)
      this.dirty.clear()
    }
    this.chain = chain
  }
}

/** The counter of a writer in a log of some length, as a reader finds it; waits up to 5 s for a block that is not on this machine. */
export async function readCounter(bee: Hyperbee, log: Hypercore, writer: string, length: number): Promise<Counter> {
  const row = (await readState<Counter>(bee, `k/n/${writer.slice(0, 8)}`)) ?? [0, 0, 0]
  const folded = (await readState<number>(bee, 'k/folded')) ?? 0
  for (let position = folded; position < length; position++) {
    const block = (await readBlock(log, position)) ?? (await log.get(position, { timeout: NETWORK_LIMIT }))
    const record = block && decodeRecord(position, block)
    if (record && !record.carried && prefixOf(record.writer) === writer.slice(0, 8)) countInto(row, record)
  }
  return row
}

function countInto(row: Counter, { n, entry }: Counted): void {
  if (!entry) row[1] = Math.max(row[1], n)
  else {
    row[0] = Math.max(row[0], n)
    row[2] = Math.max(row[2], entry.timestamp)
  }
}

function prefixOf(writer: Buffer): string {
  return writer.toString('hex', 0, 4)
}
