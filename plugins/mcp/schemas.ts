/**
 * Schemas as the list of tools shows them: what a model needs to fill an input and to read an output, in few bytes, as every session
 * pays for them. Inputs are checked by the operations, against the whole schema; find_operation shows that.
 */
import { Waiting } from '../operations/operation.ts'
import { PageInput } from '../read-model/wire.ts'

export type Schema = Record<string, unknown>

/** Says nothing that a model could act on, or is checked anyway. */
const dropped = new Set([
  '$id',
  'title',
  'default',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'additionalProperties',
  'unevaluatedProperties',
])

/** Fields that many tools share are explained once, in the instructions of the server. */
const explained = new Set(
  Object.values({ ...Waiting, ...PageInput }).map(schema => (schema as { description?: string }).description),
)

/** Not shown: the refusal that it overrides names it, and nobody should think of it before. */
const OVERRIDE = 'allow_secret'

/** A copy of a schema of an input without what costs more than it tells. Inside of lists only what must be given is shown. */
export function inputSchema(schema: Schema, inside = false): Schema {
  const { description, anyOf, oneOf, allOf, properties, items, required, ...rest } = schema
  const kept: Schema = Object.fromEntries(Object.entries(rest).filter(([key]) => !dropped.has(key)))
  const union = listOf(anyOf ?? oneOf)
  if (union) Object.assign(kept, unionOf(union, inside))
  const parts = listOf(allOf)
  if (parts) Object.assign(kept, inputSchema(joined(parts), inside))
  if (isSchema(properties)) {
    const needed = Array.isArray(required) ? required : []
    const shown = Object.entries(properties).filter(([name]) => name !== OVERRIDE && (!inside || needed.includes(name)))
    kept.properties = Object.fromEntries(shown.map(([name, value]) => [name, inputSchema(value as Schema, inside)]))
    if (needed.length > 0) kept.required = needed
  }
  if (isSchema(items)) kept.items = inputSchema(items, true)
  // An enumeration says its type itself.
  if (kept.enum || kept.const !== undefined) delete kept.type
  if (typeof description === 'string' && !explained.has(description)) kept.description = description
  return kept
}

/** The shape of an answer: which fields it always has, when asked for. An answer that is no object has none. */
export function outputShape(schema: Schema, fields: boolean): Schema {
  const parts = listOf(schema.allOf)
  const { type, required } = parts ? joined(parts) : schema
  if (typeof type !== 'string') return {}
  return fields && Array.isArray(required) && required.length > 0 ? { type, required } : { type }
}

/** Literals become an enumeration, plain types a list of them; otherwise the alternatives stay. */
function unionOf(union: Schema[], inside: boolean): Schema {
  if (union.every(part => part.const !== undefined)) return { enum: union.map(part => part.const) }
  const slimmed = union.map(part => inputSchema(part, inside))
  const plain = slimmed.every(part => Object.keys(part).length === 1 && typeof part.type === 'string')
  return plain ? { type: [...new Set(slimmed.map(part => part.type))] } : { anyOf: slimmed }
}

/** The parts of an intersection as one object. */
function joined(parts: Schema[]): Schema {
  return {
    type: 'object',
    properties: Object.assign({}, ...parts.map(part => part.properties)),
    required: parts.flatMap(part => (Array.isArray(part.required) ? part.required : [])),
  }
}

function listOf(value: unknown): Schema[] | null {
  return Array.isArray(value) ? (value as Schema[]) : null
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
