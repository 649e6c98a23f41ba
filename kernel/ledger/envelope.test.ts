import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import { decodeEntry, encodeEntry, entryId, limits, nestingOf, verifyEntry } from './envelope.ts'
import { decodeRecord, encodeRecord, nextChain, ZERO } from './record.ts'

const seed = 20261122
const keys = crypto.keyPair(Buffer.alloc(32, 1))
const pact = Buffer.alloc(32, 2)
const writer = Buffer.alloc(32, 3)
const bytes = (n: number) => fc.uint8Array({ minLength: n, maxLength: n }).map(a => Buffer.from(a))
const word = fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/)
const id = fc.tuple(bytes(4), fc.integer({ min: 1, max: 1e9 })).map(([w, n]) => `${w.toString('hex')}-${n}`)
const entries: fc.Arbitrary<Omit<Entry, 'signature'>> = fc.record({
  v: fc.integer({ min: 1, max: 0xffff }),
  type: word,
  n: fc.integer({ min: 1, max: limits.n }),
  timestamp: fc.integer({ min: 0, max: limits.timestamp }),
  topic: fc.string({ maxLength: 60 }),
  payload: fc.json().map(j => Buffer.from(j)),
  refs: fc.array(
    fc.oneof(fc.record({ id, type: word }), fc.record({ pact: bytes(32).map(b => b.toString('hex')), id, type: word })),
    { maxLength: 5 },
  ),
  agent: fc.constant(keys.publicKey),
  origin: fc.string({ maxLength: 20 }),
  caused_by: fc.string({ maxLength: 20 }),
  hops: fc.integer({ min: 0, max: 99 }),
  dedup: fc.option(bytes(32)),
  enc: fc.string({ maxLength: 10 }),
  ext: fc.option(bytes(10)),
})
const encode = (e: Omit<Entry, 'signature'>) => encodeEntry(e, pact, writer, m => crypto.sign(m, keys.secretKey)).bytes

test('an entry comes back as it was signed, and verifies only where it was signed', () => {
  fc.assert(
    fc.property(entries, e => {
      const block = encode(e)
      const decoded = decodeEntry(block)
      expect(decoded).toMatchObject(e)
      expect(verifyEntry(block, decoded!, pact, writer)).toBe(true)
      expect(verifyEntry(block, decoded!, writer, writer)).toBe(false)
      expect(verifyEntry(block, decoded!, pact, pact)).toBe(false)
    }),
    { seed, numRuns: 200 },
  )
})

test('no change of a byte goes unnoticed', () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (e, at, flip) => {
      const block = encode(e)
      block[at % block.length]! ^= flip
      const decoded = decodeEntry(block)
      expect(decoded !== null && verifyEntry(block, decoded, pact, writer)).toBe(false)
    }),
    { seed, numRuns: 300 },
  )
})

test('decoding never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), entries, fc.nat(), (junk, e, cut) => {
      decodeEntry(Buffer.from(junk))
      const block = encode(e)
      expect(decodeEntry(block.subarray(0, cut % block.length))).toBeNull()
      expect(
        decodeEntry(Buffer.concat([block, Buffer.from(junk)]))?.signature.equals(block.subarray(-64)) ?? false,
      ).toBe(junk.length === 0)
    }),
    { seed, numRuns: 300 },
  )
})

test('a record carries its entry, and a chain that depends on all of it', () => {
  fc.assert(
    fc.property(entries, fc.constantFrom('accepted', 'task-not-open'), bytes(32), (e, verdict, previous) => {
      const block = encode(e)
      const judged = { writer, n: e.n, verdict, bytes: block, entry: decodeEntry(block) }
      const record = encodeRecord(judged, previous)
      const decoded = decodeRecord(7, record.block)
      expect(decoded).toMatchObject({ position: 7, n: e.n, verdict, size: block.length, id: entryId(writer, e.n) })
      expect(decoded.hash.equals(record.hash)).toBe(true)
      const chain = nextChain(previous, decoded.writer, decoded.n, decoded.hash, decoded.verdict)
      expect(decoded.chain.equals(chain)).toBe(true)
      expect(nextChain(ZERO, writer, e.n, record.hash, verdict).equals(chain)).toBe(previous.equals(ZERO))
      expect(nextChain(previous, writer, e.n, record.hash, `${verdict}x`).equals(chain)).toBe(false)
    }),
    { seed, numRuns: 100 },
  )
})

test('nesting is measured without parsing', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), json => {
      const depth = (v: unknown): number =>
        typeof v === 'object' && v !== null ? 1 + Math.max(0, ...Object.values(v).map(depth)) : 0
      expect(nestingOf(Buffer.from(json))).toBe(depth(JSON.parse(json)))
    }),
    { seed, numRuns: 200 },
  )
  expect(nestingOf(Buffer.from(`${'['.repeat(1e5)}`))).toBe(1e5)
  expect(nestingOf(Buffer.from('"[[[\\"[["'))).toBe(0)
})
