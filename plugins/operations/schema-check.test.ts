import { describe, expect, it } from 'vitest'
import { Type } from '../../kernel/index.ts'
import { closedSchema, compileSchema, faultWords } from './schema-check.ts'

const schema = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 200 }),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
  order: Type.Optional(Type.Union([Type.Literal('asc'), Type.Literal('desc')])),
  confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  refs: Type.Optional(Type.Array(Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{8}-[0-9]+$' }) }))),
  tags: Type.Optional(Type.Array(Type.String())),
  urgent: Type.Optional(Type.Boolean()),
  task: Type.Optional(Type.String({ pattern: '^[0-9a-f]{8}-[0-9]+$', title: 'the id of a task, like 7f2d1a0b-12' })),
  rule: Type.Optional(Type.Object({ settings: Type.Unknown() })),
  extra: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
})

function fault(input: unknown, text = false): string | null {
  const fits = compileSchema(closedSchema(schema), text)
  return fits(input) ? null : faultWords(fits.errors)
}

describe('input checks', () => {
  it.each([
    [{}, '"title" is missing; wanted is a text of 1 to 200 characters.'],
    [{ title: '' }, '"title" should be a text of 1 to 200 characters.'],
    [{ title: 5 }, '"title" should be a text of 1 to 200 characters.'],
    [{ title: 'a', limit: 0 }, '"limit" should be an integer from 1 to 1000.'],
    [{ title: 'a', limit: '5' }, '"limit" should be an integer from 1 to 1000.'],
    [{ title: 'a', order: 'up' }, '"order" should be one of "asc", "desc".'],
    [{ title: 'a', confidence: 2 }, '"confidence" should be a number from 0 to 1.'],
    [{ title: 'a', urgent: 'yes' }, '"urgent" should be true or false.'],
    [{ title: 'a', refs: [{ id: 'x' }] }, '"refs[0].id": "x" is not a text that matches ^[0-9a-f]{8}-[0-9]+$.'],
    [{ title: 'a', task: 'nope' }, '"task": "nope" is not the id of a task, like 7f2d1a0b-12.'],
    [{ title: 'a', task: 7 }, '"task" should be the id of a task, like 7f2d1a0b-12.'],
    [{ title: 'a', rule: {} }, '"rule.settings" is missing; wanted is any value.'],
    [{ title: 'a', titel: 'b' }, '"titel" is not a known field. Did you mean "title"?'],
    [{ title: 'a', refs: [{ id: '0badcafe-1', typ: 1 }] }, '"typ" is not a known field of "refs[0]". Known: id.'],
    [[], 'it should be an object.'],
    ['text', 'it should be an object.'],
  ])('%j: %s', (input, words) => {
    expect(fault(input)).toBe(words)
  })

  it('takes free objects as they are', () => {
    expect(fault({ title: 'a', extra: { anything: [{ goes: 1 }] } })).toBeNull()
  })

  it('makes numbers, booleans and lists of text, only when it came as text', () => {
    const fits = compileSchema(closedSchema(schema), true)
    const input = { title: '7', limit: '5', urgent: 'true', tags: 'one' }
    expect(fits(input)).toBe(true)
    expect(input).toEqual({ title: '7', limit: 5, urgent: true, tags: ['one'] })
    expect(fault({ title: 'a', limit: '' }, true)).toBe('"limit" should be an integer from 1 to 1000.')
  })

  it('fills in defaults', () => {
    const input = { title: 'a' }
    expect(fault(input)).toBeNull()
    expect(input).toEqual({ title: 'a', limit: 50 })
  })

  it('closes an intersection as a whole', () => {
    const both = Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })])
    const fits = compileSchema(closedSchema(both))
    expect(fits({ a: '', b: '' })).toBe(true)
    expect(fits({ a: '', b: '', c: '' })).toBe(false)
    expect(faultWords(fits.errors)).toContain('"c" is not a known field')
  })
})
