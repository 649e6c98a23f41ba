/** Says in words what a schema asks for: "an integer from 1 to 1000". For messages about bad input. */

/** The part of JSON Schema that is put into words. */
interface Shape {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Shape[]
  oneOf?: Shape[]
  allOf?: Shape[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  multipleOf?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  pattern?: string
  format?: string
  items?: Shape
  title?: string
  description?: string
}

/** Where a schema asks for nothing. */
const ANY = 'any value'

/** What a value that fits `schema` is, in a few words. A `title` is such words already: "the id of a task, like 7f2d1a0b-12". */
export function shapeWords(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return ANY
  const shape = schema as Shape
  if (shape.title) return shape.title
  const fixed = choices(shape)
  if (fixed) return fixed.length === 1 ? fixed[0]! : `one of ${fixed.join(', ')}`
  const any = shape.anyOf ?? shape.oneOf
  if (any) return [...new Set(any.map(shapeWords))].join(' or ')
  switch (Array.isArray(shape.type) ? shape.type[0] : shape.type) {
    case 'string':
      return `a text${between(shape.minLength, shape.maxLength, ' of', ' characters')}${pattern(shape)}`
    case 'integer':
      return `an integer${between(shape.minimum, shape.maximum, '', '')}`
    case 'number':
      return `a number${between(shape.minimum ?? shape.exclusiveMinimum, shape.maximum ?? shape.exclusiveMaximum, '', '')}`
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    case 'array':
      return `a list${between(shape.minItems, shape.maxItems, ' of', ' items')}${shape.items ? `, each ${shapeWords(shape.items)}` : ''}`
    case 'object':
      return 'an object'
    default:
      return ANY
  }
}

/** The values of an enumeration, a constant, or a union of constants. */
function choices(shape: Shape): string[] | null {
  if (shape.const !== undefined) return [JSON.stringify(shape.const)]
  if (shape.enum) return shape.enum.map(value => JSON.stringify(value))
  const parts = (shape.anyOf ?? shape.oneOf)?.map(choices)
  return parts?.every(part => part !== null) ? parts.flat() : null
}

function between(low: number | undefined, high: number | undefined, before: string, after: string): string {
  if (low !== undefined && high !== undefined) return `${before || ' from'} ${low} to ${high}${after}`
  if (low !== undefined) return `${before} at least ${low}${after}`
  if (high !== undefined) return `${before} at most ${high}${after}`
  return ''
}

/** A regular expression tells people little: where there are words for it, they are said instead. */
function pattern({ pattern, format, description }: Shape): string {
  if (format) return ` in the format ${format}`
  if (!pattern) return ''
  return description ? ` (${description})` : ` that matches ${pattern}`
}
