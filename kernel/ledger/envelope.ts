/**
 * The bytes of an entry. Frozen at the first block ever written: fields are only ever added behind new flag bits.
 * entry = body ‖ signature (64), where the signature is the agent's over hash(domain ‖ pact key ‖ writer key ‖ body):
 * an entry copied to another pact or another writer's core does not verify there.
 */
import * as c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import type { Entry, Ref } from './entry.ts'

const FORMAT = 1
const [NS_ENTRY] = crypto.namespace('openpact/entry', 1) as [Buffer]

/** Bounds that hold before anything else looks at an entry. Sizes in bytes. */
export const limits = {
  payload: 64 * 1024,
  entry: 80 * 1024,
  /** Payload of an import: it carries records, each as large as an entry may be. */
  import: 96 * 1024,
  nesting: 32,
  refs: 64,
  type: 64,
  topic: 256,
  word: 64,
  origin: 256,
  ext: 1024,
  n: 2 ** 48,
  timestamp: 8.64e15,
} as const

const HAS_TOPIC = 1
const HAS_REFS = 2
const HAS_ORIGIN = 4
const HAS_CAUSE = 8
const HAS_DEDUP = 16
const HAS_ENC = 32
const HAS_EXT = 64
const KNOWN_FLAGS = 127

interface State {
  start: number
  end: number
  buffer: Buffer | null
}
interface Encoding<T> {
  preencode(state: State, value: T): void
  encode(state: State, value: T): void
  decode(state: State): T
}
const uint = c.uint as unknown as Encoding<number>
const string = c.string as unknown as Encoding<string>
const buffer = c.buffer as unknown as Encoding<Buffer>
const fixed32 = c.fixed32 as unknown as Encoding<Buffer>

type Unsigned = Omit<Entry, 'signature'>

function flagsOf(e: Unsigned): number {
  return (
    (e.topic ? HAS_TOPIC : 0) |
    (e.refs.length ? HAS_REFS : 0) |
    (e.origin ? HAS_ORIGIN : 0) |
    (e.caused_by || e.hops ? HAS_CAUSE : 0) |
    (e.dedup ? HAS_DEDUP : 0) |
    (e.enc ? HAS_ENC : 0) |
    (e.ext ? HAS_EXT : 0)
  )
}

function walk(op: 'preencode' | 'encode', s: State, e: Unsigned): void {
  const flags = flagsOf(e)
  uint[op](s, FORMAT)
  uint[op](s, flags)
  string[op](s, e.type)
  uint[op](s, e.v)
  uint[op](s, e.n)
  uint[op](s, e.timestamp)
  fixed32[op](s, e.agent)
  buffer[op](s, e.payload)
  if (flags & HAS_TOPIC) string[op](s, e.topic)
  if (flags & HAS_REFS) {
    uint[op](s, e.refs.length)
    for (const ref of e.refs) {
      string[op](s, ref.id)
      string[op](s, ref.type)
      string[op](s, ref.pact ?? '')
    }
  }
  if (flags & HAS_ORIGIN) string[op](s, e.origin)
  if (flags & HAS_CAUSE) {
    string[op](s, e.caused_by)
    uint[op](s, e.hops)
  }
  if (flags & HAS_DEDUP) fixed32[op](s, e.dedup as Buffer)
  if (flags & HAS_ENC) string[op](s, e.enc)
  if (flags & HAS_EXT) buffer[op](s, e.ext as Buffer)
}

/** What the agent signs, 32 bytes. */
export function signable(pactKey: Buffer, writer: Buffer, body: Buffer): Buffer {
  return crypto.hash([NS_ENTRY, pactKey, writer, body])
}

/** The kernel's type that carries the log of an earlier pact. */
export const IMPORT = 'pact.import'

/** Encodes and signs. `sign` gets the 32 bytes of `signable`. */
export function encodeEntry(
  entry: Unsigned,
  pactKey: Buffer,
  writer: Buffer,
  sign: (message: Buffer) => Buffer,
): { bytes: Buffer; entry: Entry } {
  const s: State = { start: 0, end: 0, buffer: null }
  walk('preencode', s, entry)
  const bytes = Buffer.allocUnsafe(s.end + 64)
  s.buffer = bytes
  walk('encode', s, entry)
  const signature = sign(signable(pactKey, writer, bytes.subarray(0, s.end)))
  bytes.set(signature, s.end)
  return { bytes, entry: { ...entry, signature } }
}

/** Decodes, or answers null for anything that is not exactly one well-formed entry within the limits. Never throws. */
export function decodeEntry(bytes: Buffer): Entry | null {
  if (bytes.length < 64 || bytes.length > limits.import + 1024) return null
  try {
    const s: State = { start: 0, end: bytes.length - 64, buffer: bytes.subarray(0, bytes.length - 64) }
    if (uint.decode(s) !== FORMAT) return null
    const flags = uint.decode(s)
    if (flags & ~KNOWN_FLAGS) return null
    const e: Entry = {
      type: string.decode(s),
      v: uint.decode(s),
      n: uint.decode(s),
      timestamp: uint.decode(s),
      agent: fixed32.decode(s),
      payload: buffer.decode(s) ?? Buffer.alloc(0),
      topic: flags & HAS_TOPIC ? string.decode(s) : '',
      refs: flags & HAS_REFS ? decodeRefs(s) : [],
      origin: flags & HAS_ORIGIN ? string.decode(s) : '',
      caused_by: '',
      hops: 0,
      dedup: null,
      enc: '',
      ext: null,
      signature: bytes.subarray(bytes.length - 64),
    }
    if (flags & HAS_CAUSE) {
      e.caused_by = string.decode(s)
      e.hops = uint.decode(s)
    }
    if (flags & HAS_DEDUP) e.dedup = fixed32.decode(s)
    if (flags & HAS_ENC) e.enc = string.decode(s)
    if (flags & HAS_EXT) e.ext = buffer.decode(s)
    const fits = e.type === IMPORT || bytes.length <= limits.entry
    return s.start === s.end && fits && withinLimits(e) ? e : null
  } catch {
    return null
  }
}

function decodeRefs(s: State): Ref[] {
  const count = uint.decode(s)
  if (count > limits.refs) throw new RangeError('too many refs')
  return Array.from({ length: count }, () => {
    const id = string.decode(s)
    const type = string.decode(s)
    const pact = string.decode(s)
    return pact ? { pact, id, type } : { id, type }
  })
}

function withinLimits(e: Entry): boolean {
  return (
    e.n >= 1 &&
    e.n <= limits.n &&
    e.timestamp <= limits.timestamp &&
    e.v >= 1 &&
    e.v <= 0xffff &&
    e.hops <= 0xffff &&
    e.payload.length <= (e.type === IMPORT ? limits.import : limits.payload) &&
    wordPattern.test(e.type) &&
    e.topic.length <= limits.topic &&
    e.origin.length <= limits.origin &&
    e.caused_by.length <= limits.word &&
    e.enc.length <= limits.word &&
    (e.ext === null || e.ext.length <= limits.ext) &&
    e.refs.every(r => wordPattern.test(r.type) && idPattern.test(r.id) && (!r.pact || hex64.test(r.pact)))
  )
}

/** Names of entry types and of kinds of reference. */
export const wordPattern = /^[a-z][a-z0-9._-]{0,63}$/
export const idPattern = /^[0-9a-f]{8}-(?:[1-9][0-9]{0,14}|b[0-9]{1,15})$/
const hex64 = /^[0-9a-f]{64}$/

/** True when the agent named in the entry signed exactly these bytes for this pact and writer. Never throws. */
export function verifyEntry(bytes: Buffer, entry: Entry, pactKey: Buffer, writer: Buffer): boolean {
  try {
    const message = signable(pactKey, writer, bytes.subarray(0, bytes.length - 64))
    return crypto.verify(message, entry.signature, entry.agent)
  } catch {
    return false
  }
}

/** `<8 hex of the writer>-<n>`: known before the append returns. */
export function entryId(writer: Buffer, n: number): string {
  return `${writer.toString('hex', 0, 4)}-${n}`
}

/** Depth of JSON text without parsing it, so that no parser meets a hostile nesting. */
export function nestingOf(json: Buffer): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]
    if (inString) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return deepest
}

/** The payload as JSON of bounded nesting, or undefined. Never throws. */
export function jsonOf({ payload }: Pick<Entry, 'payload'>): unknown {
  if (nestingOf(payload) > limits.nesting) return undefined
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch {
    return undefined
  }
}
