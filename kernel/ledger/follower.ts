/** How anything follows the log from outside: by comparing the chains it has stored with the log's, never by diffing views. */
import type Hypercore from 'hypercore'
import type { Checkpoint, Delta } from '../pact.ts'
import type { LogRecord } from './entry.ts'
import { chainOf, decodeRecord, nextChain, ZERO } from './record.ts'
import { readHere } from './session.ts'
import { Tips } from './tips.ts'

const RING = 4096

/**
 * What apply wrote last, by position, so that followers need not read it back. A cache only: a fast-forward changes the log without
 * apply, so the log must hold the last of what is taken from it; that one's chain commits to all the others.
 */
export class RecentRecords {
  private readonly ring = new Map<number, LogRecord>()
  /** A length at which the log was found to hold what is here. It stays so until apply writes below it. */
  private found: Checkpoint | null = null
  private changes = 0
  private readonly tips: Tips

  constructor(tips = new Tips()) {
    this.tips = tips
  }

  add(record: LogRecord): void {
    if (this.ring.size >= RING) this.ring.clear()
    this.ring.set(record.position, record)
    this.changes++
    if (this.found && record.position < this.found.position) this.found = null
  }

  /** Whether the log ends in this chain at a length. Read once: several followers come to the same place. */
  async heldBy(log: Hypercore, { position, chain }: Checkpoint): Promise<boolean> {
    if (this.found?.position === position && this.found.chain.equals(chain)) return true
    if (position === log.length && this.tips.of(log)?.equals(chain)) return true
    const { changes } = this
    const block = await readBlock(log, position - 1)
    const held = block !== null && chainOf(block).equals(chain)
    if (held && changes === this.changes) this.found = { position, chain }
    return held
  }

  get(position: number): LogRecord | undefined {
    return this.ring.get(position)
  }

  clear(): void {
    this.ring.clear()
    this.changes++
    this.found = null
  }
}

/** A record of the log, or null when its block is not on this machine. Never waits. */
export async function readRecord(log: Hypercore, position: number): Promise<LogRecord | null> {
  const block = await readBlock(log, position)
  return block && decodeRecord(position, block)
}

export async function readBlock(log: Hypercore, position: number): Promise<Buffer | null> {
  if (position < 0 || position >= log.length) return null
  try {
    return await readHere(log, async () => {
      const block = await log.get(position, { wait: false })
      if (!block) throw new Error('not on this machine')
      return block
    })
  } catch {
    // The view was truncated under us by a reorder, or the store is closing: the caller asks again.
    return null
  }
}

/**
 * Finds the newest of `checkpoints` (newest first) that still holds and reads on from there. While a block that would tell is not on
 * this machine, nothing is known: then the newest is answered as it is, and nothing as confirmed.
 * @param confirmed length of the log below which nothing moves
 * @param limit records at most
 */
export async function deltaOf(
  log: Hypercore,
  confirmed: number,
  recent: RecentRecords,
  checkpoints: Iterable<Checkpoint>,
  limit: number,
): Promise<Delta> {
  const length = log.length
  const base = { length, confirmed: Math.min(confirmed, length), records: [] as LogRecord[] }
  let common: Checkpoint = { position: 0, chain: ZERO }
  let newest: Checkpoint | null = null
  for (const checkpoint of checkpoints) {
    if (!newest) {
      newest = checkpoint
      const records = await fromMemory(log, recent, newest, Math.min(length, newest.position + limit))
      if (records) return { ...base, common: newest.position, commonChain: newest.chain, records, missing: false }
    }
    if (checkpoint.position > length) continue
    if (checkpoint.position === 0) break
    const block = await readBlock(log, checkpoint.position - 1)
    if (!block) return { ...base, confirmed: 0, common: newest.position, commonChain: newest.chain, missing: true }
    if (chainOf(block).equals(checkpoint.chain)) {
      common = checkpoint
      break
    }
  }
  const end = Math.min(length, common.position + limit)
  const records: LogRecord[] = []
  let chain = common.chain
  let missing = false
  for (let position = common.position; position < end && !missing; ) {
    const next = await readRun(log, position, Math.min(end, position + 512))
    missing = next.length === 0
    for (const record of next) {
      // A reorder while reading: what follows belongs to another history; the caller is called again for it.
      if (!continues(record, chain))
        return { ...base, common: common.position, commonChain: common.chain, records, missing: false }
      records.push(record)
      chain = record.chain
      position++
    }
  }
  return { ...base, common: common.position, commonChain: common.chain, records, missing }
}

/** Records from a checkpoint up to `end`, all from memory; null when one is not there, or when the log holds another history. */
async function fromMemory(
  log: Hypercore,
  recent: RecentRecords,
  { position, chain }: Checkpoint,
  end: number,
): Promise<LogRecord[] | null> {
  if (position > end) return null
  const records: LogRecord[] = []
  let last = chain
  for (let at = position; at < end; at++) {
    const record = continues(recent.get(at), last)
    if (!record) return null
    records.push(record)
    last = record.chain
  }
  return (await recent.heldBy(log, { position: end, chain: last })) ? records : null
}

function continues(record: LogRecord | undefined, chain: Buffer): LogRecord | null {
  if (!record) return null
  return nextChain(chain, record.writer, record.n, record.hash, record.verdict).equals(record.chain) ? record : null
}

/** Records from `start` on as far as they are on this machine. */
async function readRun(log: Hypercore, start: number, end: number): Promise<LogRecord[]> {
  const blocks = await Promise.all(Array.from({ length: end - start }, (_, i) => readBlock(log, start + i)))
  const missing = blocks.indexOf(null)
  return blocks.slice(0, missing < 0 ? blocks.length : missing).map((b, i) => decodeRecord(start + i, b as Buffer))
}
