/** A JSON schema as the text of a TypeScript type: for the generated types of operations. */

interface Schema {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  patternProperties?: Record<string, Schema>
}

/** @param schema of an input or output */
export function typeText(schema: unknown): string {
  const shape = schema as Schema
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  if (shape.enum) return union(shape.enum.map(value => JSON.stringify(value)))
  const any = shape.anyOf ?? shape.oneOf
  if (any) return union(any.map(typeText))
  if (shape.allOf) return shape.allOf.map(typeText).join(' & ')
  return union([shape.type ?? []].flat().map(type => named(type, shape)))
}

function named(type: string, shape: Schema): string {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type
    case 'integer':
    case 'number':
      return 'number'
    case 'array':
      return shape.items ? `${bracketed(typeText(shape.items))}[]` : 'unknown[]'
    case 'object':
      return objectText(shape)
    default:
      throw new TypeError(`schemas of type "${type}" have no TypeScript type here`)
  }
}

function objectText({ properties = {}, required = [], additionalProperties, patternProperties = {} }: Schema): string {
  const others = Object.values(patternProperties)[0] ?? additionalProperties
  const fields = Object.entries(properties).map(
    ([name, schema]) => `${nameText(name)}${required.includes(name) ? '' : '?'}: ${typeText(schema)}`,
  )
  if (typeof others === 'object') return `Record<string, ${typeText(others)}>`
  if (fields.length > 0) return `{ ${fields.join('; ')} }`
  return additionalProperties === undefined ? 'Record<string, never>' : 'Record<string, unknown>'
}

function union(types: string[]): string {
  return types.length === 0 ? 'unknown' : [...new Set(types)].join(' | ')
}

function bracketed(type: string): string {
  return / [|&] /.test(type) && !/^\{[^{}]*\}$/.test(type) ? `(${type})` : type
}

function nameText(name: string): string {
  return /^[a-z_$][\w$]*$/i.test(name) ? name : JSON.stringify(name)
}
