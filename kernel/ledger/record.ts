/**
 * One block of the `log` view. `chain` commits to the whole prefix; it commits to the hash of an entry's bytes and not to the
 * bytes themselves, which keeps redaction possible.
 */
import crypto from 'hypercore-crypto'
import { ACCEPTED, type Entry, type LogRecord } from './entry.ts'
import { decodeEntry, entryId } from './envelope.ts'

/** The chain before the first record. */
export const ZERO: Buffer = Buffer.alloc(32)
const WITH_ENTRY = 1
const WITH_VERDICT = 2
/** Carried over from another pact: its key follows `n`. */
const CARRIED = 4

/** hash(previous chain ‖ writer ‖ n ‖ hash(entry bytes) ‖ verdict) */
export function nextChain(previous: Buffer, writer: Buffer, n: number, hash: Buffer, verdict: string): Buffer {
  return crypto.hash([previous, writer, number48(n), hash, Buffer.from(verdict)])
}

function number48(n: number): Buffer {
  const b = Buffer.alloc(8)
  b.writeUIntBE(n, 2, 6)
  return b
}

/** A record before it has a place in the chain. `n` is the block's number in the writer's core when `entry` is null. */
export interface Judged {
  writer: Buffer
  n: number
  verdict: string
  bytes: Buffer
  entry: Entry | null
}

/** block = flags ‖ chain 32 ‖ writer 32 ‖ n 6 ‖ [pact key 32] ‖ [verdict length ‖ verdict] ‖ (entry bytes | hash 32 ‖ size 4) */
export function encodeRecord(judged: Judged, previous: Buffer): { block: Buffer; chain: Buffer; hash: Buffer } {
  const hash = crypto.hash(judged.bytes)
  const chain = nextChain(previous, judged.writer, judged.n, hash, judged.verdict)
  const verdict = judged.verdict === ACCEPTED ? null : Buffer.from(judged.verdict)
  const head = Buffer.alloc(71)
  head[0] = (judged.entry ? WITH_ENTRY : 0) | (verdict ? WITH_VERDICT : 0)
  chain.copy(head, 1)
  judged.writer.copy(head, 33)
  head.writeUIntBE(judged.n, 65, 6)
  const parts: Buffer[] = [head]
  if (verdict) parts.push(Buffer.from([verdict.length]), verdict)
  if (judged.entry) parts.push(judged.bytes)
  else {
    const size = Buffer.alloc(4)
    size.writeUInt32BE(judged.bytes.length)
    parts.push(hash, size)
  }
  return { block: Buffer.concat(parts), chain, hash }
}

/** The chain value of a block, without decoding the rest. */
export function chainOf(block: Buffer): Buffer {
  return block.subarray(1, 33)
}

/** The id under which a malformed block of a writer's core is shown. */
export function malformedId(writer: Buffer, block: number): string {
  return `${writer.toString('hex', 0, 4)}-b${block}`
}

/** Decodes a block of the `log` view; these were written by `apply` and are trusted to be well formed. */
export function decodeRecord(position: number, block: Buffer): LogRecord {
  const flags = block[0] ?? 0
  const writer = block.subarray(33, 65)
  const n = block.readUIntBE(65, 6)
  let at = 71
  const carried = flags & CARRIED ? block.subarray(at, at + 32) : undefined
  if (carried) at += 32
  let verdict = ACCEPTED
  if (flags & WITH_VERDICT) {
    const length = block[at] ?? 0
    verdict = block.toString('utf8', at + 1, at + 1 + length)
    at += 1 + length
  }
  const rest = block.subarray(at)
  const withEntry = (flags & WITH_ENTRY) !== 0
  return {
    position,
    ...(carried ? { carried } : {}),
    chain: chainOf(block),
    writer,
    n,
    id: withEntry ? entryId(writer, n) : malformedId(writer, n),
    verdict,
    entry: withEntry ? decodeEntry(rest) : null,
    size: withEntry ? rest.length : rest.readUInt32BE(32),
    hash: withEntry ? crypto.hash(rest) : rest.subarray(0, 32),
  }
}

/** The bytes of the entry in a block of the `log` view; empty where only hash and size were kept. */
export function entryBytesOf(block: Buffer): Buffer {
  const flags = block[0] ?? 0
  if (!(flags & WITH_ENTRY)) return Buffer.alloc(0)
  let at = flags & CARRIED ? 103 : 71
  if (flags & WITH_VERDICT) at += 1 + (block[at] ?? 0)
  return block.subarray(at)
}

/**
 * A block of a foreign log, which may hold anything: decoded, or null when `apply` would not have written it. Its chain must still
 * be compared. Never throws.
 */
export function readForeign(position: number, block: Buffer): LogRecord | null {
  const flags = block[0] ?? 0
  if (block.length < 71 || flags & ~(WITH_ENTRY | WITH_VERDICT | CARRIED)) return null
  try {
    const record = decodeRecord(position, block)
    const rest = block.length - entryBytesOf(block).length
    const lost = record.entry === null && !(flags & WITH_ENTRY)
    const whole = lost ? /^[a-z][a-z0-9-]{0,62}$/.test(record.verdict) : record.entry?.n === record.n && rest > 70
    return whole && (record.carried === undefined || record.carried.length === 32) ? record : null
  } catch {
    return null
  }
}

/** The same record at another place: in the log of a pact that carries on the one with `pactKey`. */
export function carryRecord(block: Buffer, record: LogRecord, pactKey: Buffer, previous: Buffer) {
  const chain = nextChain(previous, record.writer, record.n, record.hash, record.verdict)
  const flags = block[0] ?? 0
  const head = [Buffer.from([flags | CARRIED]), chain, block.subarray(33, 71)]
  const key = flags & CARRIED ? [] : [pactKey]
  return { block: Buffer.concat([...head, ...key, block.subarray(71)]), chain }
}
