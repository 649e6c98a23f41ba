import { describe, expect, it } from 'vitest'
import { checkKey, dedupKey, fingerprint, IdempotencyKeys } from './idempotency.ts'
import type { Answer } from './service.ts'
import './errors.ts'

const settled: Answer = { output: { id: 'a' }, pending: false }

describe('idempotency keys', () => {
  it('answers a repetition without running again', async () => {
    const keys = new IdempotencyKeys()
    let runs = 0
    const run = async () => {
      runs++
      return settled
    }
    expect(await keys.once('claude', 'k', 'body', run)).toBe(settled)
    expect(await keys.once('claude', 'k', 'body', run)).toBe(settled)
    expect(runs).toBe(1)
  })

  it('refuses another body, and a second request while the first runs', async () => {
    const keys = new IdempotencyKeys()
    let finish: (answer: Answer) => void = () => {}
    const first = keys.once(
      'claude',
      'k',
      'body',
      () =>
        new Promise(resolve => {
          finish = resolve
        }),
    )
    await expect(keys.once('claude', 'k', 'body', async () => settled)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_RUNNING',
      kind: 'conflict',
    })
    finish(settled)
    await first
    await expect(keys.once('claude', 'k', 'other', async () => settled)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      kind: 'unprocessable',
    })
    expect(await keys.once('codex', 'k', 'other', async () => settled)).toBe(settled)
  })

  it('runs again after a failure and after a pending answer', async () => {
    const keys = new IdempotencyKeys()
    await expect(keys.once('a', 'k', 'b', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await keys.once('a', 'k', 'b', async () => ({ ...settled, pending: true }))).toMatchObject({ pending: true })
    expect(await keys.once('a', 'k', 'b', async () => settled)).toBe(settled)
  })

  it('forgets the oldest answers', async () => {
    const keys = new IdempotencyKeys()
    for (let i = 0; i < 300; i++) await keys.once('a', `k${i}`, 'b', async () => settled)
    let ran = false
    await keys.once('a', 'k0', 'b', async () => {
      ran = true
      return settled
    })
    expect(ran).toBe(true)
  })

  it('marks agent, key and counter in 32 bytes', () => {
    const agent = Buffer.alloc(32, 1)
    const mark = dedupKey(agent, 'key', 0)
    expect(mark).toHaveLength(32)
    expect(dedupKey(agent, 'key', 0)).toEqual(mark)
    for (const other of [
      dedupKey(agent, 'key', 1),
      dedupKey(agent, 'kez', 0),
      dedupKey(Buffer.alloc(32, 2), 'key', 0),
    ]) {
      expect(other).not.toEqual(mark)
    }
  })

  it('takes the same fields in another order for the same request', () => {
    expect(fingerprint('a.b', { x: 1, y: 2 })).toBe(fingerprint('a.b', { y: 2, x: 1 }))
    expect(() => fingerprint('a.b', { x: '\ud800' })).toThrow(/not valid Unicode/)
    expect(fingerprint('a.b', { x: 1 })).not.toBe(fingerprint('a.c', { x: 1 }))
  })

  it.each(['', ' ', 'a\n', 'é', 'x'.repeat(256)])('refuses the key %j', key => {
    expect(() => checkKey(key)).toThrow(expect.objectContaining({ code: 'IDEMPOTENCY_KEY_INVALID' }))
  })

  it.each(['a', '8e03978e-40d5-43dd-bc93-6894a57f9324', '"quoted key"', 'x'.repeat(255)])('takes the key %j', key => {
    expect(() => checkKey(key)).not.toThrow()
  })
})
