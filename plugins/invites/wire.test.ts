import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeAnswer,
  decodeKnock,
  doorStatuses,
  encodeKnock,
  encodeStatus,
  encodeWelcome,
  type Knock,
  MAX_MESSAGE,
} from './wire.ts'

const hex = (byte: number, length = 32) => Buffer.alloc(length, byte).toString('hex')
const noise = Buffer.alloc(32, 9)
const knock: Knock = {
  kind: 1,
  evidence: Buffer.alloc(244, 5),
  identity: hex(1),
  application: {
    writer: hex(2),
    noise: noise.toString('hex'),
    proof: hex(3, 203),
    agent: { key: hex(4), name: 'a'.repeat(32), proof: hex(6, 299) },
  },
}

describe('what is said at the door', () => {
  it('a knock comes out as it went in, with the key of the connection, within a message', () => {
    const message = encodeKnock(knock)
    expect(message.byteLength).toBeLessThanOrEqual(MAX_MESSAGE)
    expect(decodeKnock(message, noise)).toEqual(knock)
    const other = Buffer.alloc(32, 8)
    expect(decodeKnock(message, other)?.application.noise).toBe(other.toString('hex'))
  })

  it('answers come out as they went in, cut to size, without control characters', () => {
    for (const status of doorStatuses) {
      expect(decodeAnswer(encodeStatus(status, 'wörds'))).toEqual({ status, words: 'wörds' })
    }
    const long = decodeAnswer(encodeStatus('pending', '…'.repeat(1000)))
    expect(long).toEqual({ status: 'pending', words: '…'.repeat(200) })
    expect(decodeAnswer(encodeStatus('refused', 'a\u001b[31m\u0000\u202eb\nc'))).toEqual({
      status: 'refused',
      words: 'a [31m b c',
    })
    const welcome = { key: Buffer.alloc(32, 1), encryptionKey: Buffer.alloc(32, 2), name: 'acme' }
    expect(decodeAnswer(encodeWelcome(welcome))).toEqual({ welcome })
    expect(encodeStatus('pending', '…'.repeat(1000)).byteLength).toBeLessThanOrEqual(MAX_MESSAGE)
  })

  it('decoders answer null to garbage, short data, null sessions and trailing bytes, and never throw', () => {
    const message = encodeKnock(knock)
    for (let length = 0; length < message.byteLength; length++) {
      expect(decodeKnock(message.subarray(0, length), noise)).toBeNull()
    }
    expect(decodeKnock(Buffer.concat([message, Buffer.alloc(1)]), noise)).toBeNull()
    expect(decodeKnock(Buffer.concat([message, Buffer.alloc(MAX_MESSAGE)]), noise)).toBeNull()
    expect(decodeAnswer(Buffer.alloc(0))).toBeNull()
    expect(decodeAnswer(Buffer.from([1]))).toBeNull()
    expect(decodeAnswer(Buffer.from([1, 200]))).toBeNull()
    expect(decodeAnswer(Buffer.alloc(64, 2))).toBeNull()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1100 }), fc.nat(3), (random, type) => {
        const bytes = Buffer.from([type, ...random])
        decodeAnswer(bytes)
        decodeKnock(bytes, noise)
        expect(decodeKnock(Buffer.from(random), noise)).toBeNull()
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})
