/** Compiles schemas of operations into checks whose messages name the field and what it should be. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { didYouMean } from './near-names.ts'
import { shapeWords } from './shape-words.ts'

const options = {
  useDefaults: true,
  verbose: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  // Checking schemas against the meta schema costs 100 ms at the first use; what cannot work is still refused by name.
  meta: false,
  validateSchema: false,
} as const

// One Ajv per way of reading.
const compilers = new Map<boolean, Ajv2020>()

/**
 * Compiles a schema. With `text`, values are coerced from strings (query strings); without, types must be right.
 * @throws Error when the schema is not usable
 */
export function compileSchema(schema: object, text = false): ValidateFunction {
  const ajv = compilers.get(text) ?? new Ajv2020({ ...options, coerceTypes: text ? 'array' : false })
  compilers.set(text, ajv)
  return ajv.compile(schema)
}

/** A plain copy, without TypeBox's hidden marks and without `$id`, which clashes in Ajv when two operations share a part. */
export function plainSchema(schema: object): Node {
  return JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === '$id' ? undefined : value))) as Node
}

/** A plain copy of an input schema that refuses fields it does not name, wherever it lists fields at all. */
export function closedSchema(schema: object): Node {
  return close(plainSchema(schema))
}

type Node = Record<string, unknown>

function close(schema: Node): Node {
  for (const part of ['anyOf', 'oneOf']) {
    const branches = schema[part]
    if (Array.isArray(branches)) schema[part] = branches.map(branch => close(branch as Node))
  }
  if (isNode(schema.items)) schema.items = close(schema.items)
  if (isNode(schema.properties)) {
    for (const [name, property] of Object.entries(schema.properties)) {
      if (isNode(property)) schema.properties[name] = close(property)
    }
    if (schema.additionalProperties === undefined && !schema.patternProperties) schema.additionalProperties = false
  }
  // The parts of an intersection know only their own fields, so the whole is closed instead.
  if (Array.isArray(schema.allOf)) schema.unevaluatedProperties ??= false
  return schema
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a text in a value, or the name of a field, holds half of a surrogate pair: it has no UTF-8, so nothing ever equals it. */
export function hasBrokenText(value: unknown): boolean {
  // Not by recursion: how deep a value is, is its sender's choice.
  const left = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next === 'string' && /\p{Cs}/u.test(next)) return true
    if (typeof next !== 'object' || next === null) continue
    if (Array.isArray(next)) for (const item of next) left.push(item)
    else for (const [name, item] of Object.entries(next)) left.push(name, item)
  }
  return false
}

/** One sentence about the first fault found: which field, and what it should be. */
export function faultWords(errors: readonly ErrorObject[] | null | undefined): string {
  // A failed union lists the faults of all its branches first and itself last.
  const error = errors?.at(-1)
  if (!error) return 'it does not fit.'
  const where = fieldName(error.instancePath)
  const params = error.params as Record<string, unknown>
  const unknown = params.additionalProperty ?? params.unevaluatedProperty
  if (typeof unknown === 'string') {
    const known = Object.keys(isNode(error.parentSchema?.properties) ? error.parentSchema.properties : {})
    const inside = where ? ` of "${where}"` : ''
    return `"${unknown.slice(0, 64)}" is not a known field${inside}.${didYouMean(unknown, known) || listed(known)}`
  }
  if (error.keyword === 'required') {
    const missing = String(params.missingProperty)
    const properties: unknown = error.parentSchema?.properties
    const wanted = shapeWords(isNode(properties) ? properties[missing] : undefined)
    return `"${where ? `${where}.${missing}` : missing}" is missing; wanted is ${wanted}.`
  }
  // It is a text, as was asked for: what is wrong is its form.
  if (error.keyword === 'pattern' && where)
    return `"${where}": ${JSON.stringify(String(error.data).slice(0, 64))} is not ${shapeWords(error.parentSchema)}.`
  return where
    ? `"${where}" should be ${shapeWords(error.parentSchema)}.`
    : `it should be ${shapeWords(error.parentSchema)}.`
}

function listed(known: string[]): string {
  if (known.length === 0) return ' No fields are taken here.'
  return known.length > 12 ? '' : ` Known: ${known.join(', ')}.`
}

/** `/refs/0/id` → `refs[0].id` */
function fieldName(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~').slice(0, 64))
    .reduce((name, part) => (/^\d+$/.test(part) ? `${name}[${part}]` : name ? `${name}.${part}` : part), '')
}
