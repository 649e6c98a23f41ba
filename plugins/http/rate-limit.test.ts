import { describe, expect, it } from 'vitest'
import { Bucket, RateLimit } from './rate-limit.ts'

describe('rate limit', () => {
  it('lets a burst through, then the rate, then says how long to wait', () => {
    const bucket = new Bucket({ burst: 3, rate: 2 }, 0)
    expect([0, 0, 0].map(now => bucket.take(now))).toEqual([0, 0, 0])
    expect(bucket.take(0)).toBeCloseTo(0.5)
    expect(bucket.take(250)).toBeCloseTo(0.25)
    expect(bucket.take(500)).toBe(0)
    expect(bucket.take(500)).toBeCloseTo(0.5)
    expect(bucket.full(60_000)).toBe(true)
  })

  it('is not moved by a clock that stands or runs back', () => {
    const bucket = new Bucket({ burst: 1, rate: 1 }, 1000)
    expect(bucket.take(1000)).toBe(0)
    expect(bucket.take(0)).toBeGreaterThan(0)
    expect(bucket.take(1999)).toBeGreaterThan(0)
    expect(bucket.take(2000)).toBe(0)
  })

  it('never throttles a token at 10 000 per second', () => {
    const limit = new RateLimit({ burst: 20_000, rate: 20_000 }, { burst: 1, rate: 1 })
    const caller = {}
    let refused = 0
    // The worst patterns: evenly, and all of a second at once.
    for (let i = 0; i < 30_000; i++) if (limit.take(caller, '', i / 10) > 0) refused++
    for (let second = 10; second < 15; second++) {
      for (let i = 0; i < 10_000; i++) if (limit.take(caller, '', second * 1000) > 0) refused++
    }
    expect(refused).toBe(0)
  })

  it('counts each address, and each token, for itself', () => {
    const limit = new RateLimit({ burst: 1, rate: 1 }, { burst: 2, rate: 1 })
    expect(limit.take(null, 'a', 0)).toBe(0)
    expect(limit.take(null, 'a', 0)).toBe(0)
    expect(limit.take(null, 'a', 0)).toBeGreaterThan(0)
    expect(limit.take(null, 'b', 0)).toBe(0)
    expect(limit.take({}, 'a', 0)).toBe(0)
  })

  it('remembers a bounded number of addresses and forgets idle ones first', () => {
    const limit = new RateLimit({ burst: 1, rate: 1 }, { burst: 1, rate: 0.001 })
    expect(limit.take(null, 'mine', 0)).toBe(0)
    for (let i = 0; i < 1000; i++) limit.take(null, `other-${i}`, 0)
    expect(limit.take(null, 'mine', 0)).toBeGreaterThan(0)
    for (let i = 0; i < 100_000; i++) limit.take(null, `flood-${i}`, 0)
    expect(limit.take(null, 'flood-99999', 0)).toBeGreaterThan(0)
    expect(limit.take(null, 'mine', 0)).toBe(0)
  })
})
