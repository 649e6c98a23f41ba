import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeHeartbeat, encodeHeartbeat } from './heartbeat.ts'

it('a heartbeat comes out as it went in, and anything else as null', () => {
  const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  expect([...(decodeHeartbeat(encodeHeartbeat(keys)) ?? [])]).toEqual(keys.map(key => key.toString('hex')))
  expect(decodeHeartbeat(encodeHeartbeat([]))?.size).toBe(0)
  expect(decodeHeartbeat(Buffer.concat([Buffer.from([1]), Buffer.alloc(256 * 32)]))).toBeNull()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      const decoded = decodeHeartbeat(Buffer.from(bytes))
      expect(decoded === null || (bytes[0] === 1 && bytes.length % 32 === 1)).toBe(true)
    }),
    { seed: 1 },
  )
})
