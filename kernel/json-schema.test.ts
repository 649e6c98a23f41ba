import { Type as TypeBox } from 'typebox'
import { expect, test } from 'vitest'
import { Type } from './json-schema.ts'

/** One schema of everything, made by either. */
const everything = (T: typeof Type) =>
  T.Object(
    {
      id: T.String({ pattern: '^a', description: 'first' }),
      count: T.Optional(T.Integer({ minimum: 0, default: 3 })),
      share: T.Optional(T.Number({ maximum: 1 })),
      on: T.Boolean(),
      kind: T.Enum(['a', 'b'], { default: 'a' }),
      list: T.Array(T.Union([T.Literal('x'), T.Literal(1), T.Literal(true), T.Null()]), { maxItems: 2 }),
      more: T.Record(T.String({ minLength: 1 }), T.Unknown(), { maxProperties: 3 }),
      both: T.Optional(T.Intersect([T.Object({}), T.Object({ a: T.Optional(T.Unknown()) })], { title: 'both' })),
      raw: T.Unsafe<string>({ type: ['string', 'object'] }),
    },
    { additionalProperties: false },
  )

test('the builders make the same JSON as TypeBox, word for word', () => {
  expect(JSON.stringify(everything(Type))).toBe(JSON.stringify(everything(TypeBox as unknown as typeof Type)))
})

test('parts of TypeBox and of ours make a whole, either way round', () => {
  const expected = JSON.stringify(TypeBox.Object({ a: TypeBox.Optional(TypeBox.String()), b: TypeBox.String() }))
  expect(JSON.stringify(Type.Object({ a: TypeBox.Optional(TypeBox.String()), b: TypeBox.String() }))).toBe(expected)
  expect(JSON.stringify(TypeBox.Object({ a: Type.Optional(Type.String()), b: Type.String() }))).toBe(expected)
})

test('an optional schema is a copy: the one it was made of stays required', () => {
  const text = Type.String()
  expect(Type.Object({ a: Type.Optional(text), b: text })).toMatchObject({ required: ['b'] })
})
