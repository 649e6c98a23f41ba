import { describe, expect, it } from 'vitest'
import { DEEPEST, readJson } from './json-body.ts'

const read = (text: string) => readJson(Buffer.from(text))

describe('JSON bodies', () => {
  it('reads JSON, and nothing as an empty object', () => {
    expect(read('{"a":[1,{"b":"ü"}]}')).toEqual({ a: [1, { b: 'ü' }] })
    expect(read('')).toEqual({})
    expect(read('{"constructor":{"name":"x"}}')).toEqual({ constructor: { name: 'x' } })
  })

  it.each([
    ['{', 'syntax'],
    ['{"a":1}x', 'syntax'],
    ['{"__proto__":{"admin":true}}', '__proto__'],
    ['{"\\u005f_proto__":{"admin":true}}', '__proto__'],
    ['{"a":[{"__proto__":1}]}', '__proto__'],
    ['{"constructor":{"prototype":{"admin":true}}}', 'constructor'],
  ])('refuses %s', (text, word) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'BODY_MALFORMED', message: expect.stringContaining(word) }),
    )
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(() => readJson(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).toThrow(/UTF-8/)
  })

  it('counts levels', () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    expect(() => read(nested(DEEPEST))).not.toThrow()
    expect(() => read(nested(DEEPEST + 1))).toThrow(/deeper than 32/)
    expect(() => read(`${'['.repeat(60_000)}${']'.repeat(60_000)}`)).toThrow(/deeper than 32/)
  })
})
