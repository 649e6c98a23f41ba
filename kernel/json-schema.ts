/**
 * The builders of TypeBox that a declaration needs, with TypeBox's own types and the same JSON. TypeBox itself is 373 files: loading them costs
 * every daemon and every command 150 ms and 20 MB, for schemas that ajv checks anyway. Schemas made by TypeBox mix with these.
 */
import type { Type as TypeBox } from 'typebox'

export type { Static, TSchema } from 'typebox'

type Builders = Pick<
  typeof TypeBox,
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Intersect'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
  | 'Unsafe'
>
type Schema = Record<string, unknown>

/** TypeBox's own hidden mark of a property that need not be there. */
const OPTIONAL = '~optional'

const typed = (type: string) => (options?: Schema) => ({ type, ...options })
const requiredOf = (properties: Record<string, object>) =>
  Object.keys(properties).filter(name => !(OPTIONAL in (properties[name] as object)))

const builders = {
  Array: (items: Schema, options?: Schema) => ({ type: 'array', items, ...options }),
  Boolean: typed('boolean'),
  Enum: (values: readonly unknown[], options?: Schema) => ({ enum: values, ...options }),
  Integer: typed('integer'),
  Intersect: (parts: readonly Schema[], options?: Schema) => ({ allOf: parts, ...options }),
  Literal: (value: string | number | boolean, options?: Schema) => ({ type: typeof value, const: value, ...options }),
  Null: typed('null'),
  Number: typed('number'),
  Object: (properties: Record<string, object>, options?: Schema) => {
    const required = requiredOf(properties)
    return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
  },
  Optional: (schema: Schema) =>
    Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(schema), [OPTIONAL]: { value: true } }),
  /** Keys of any text; what a key looks like is said in the options. */
  Record: (_key: Schema, value: Schema, options?: Schema) => ({
    type: 'object',
    patternProperties: { '^.*$': value },
    ...options,
  }),
  String: typed('string'),
  Union: (branches: readonly Schema[], options?: Schema) => ({ anyOf: branches, ...options }),
  Unknown: (options?: Schema) => ({ ...options }),
  Unsafe: (schema: Schema) => ({ ...schema }),
}

export const Type = builders as unknown as Builders
