/** Checks values against JSON schemas and says in words what is wrong, with the path of the field and near names. */
import { Ajv, type ErrorObject } from 'ajv'
import type { TSchema } from '../json-schema.ts'
import { near } from './near.ts'

const ajv = new Ajv({
  allErrors: true,
  strict: false,
  useDefaults: true,
  verbose: true,
  // Checking schemas against the meta schema costs 100 ms at the first use; what cannot be compiled is still refused.
  meta: false,
  validateSchema: false,
})

/** Every fault of `value`, in words; an empty list when it fits. Defaults of the schema are filled into `value`. */
export function schemaFaults(schema: TSchema, value: unknown): string[] {
  const validate = ajv.compile(schema)
  if (validate(value)) return []
  return [...new Set((validate.errors ?? []).map(inWords))]
}

/** Why a schema is no JSON schema, or null. */
export function schemaFault(schema: TSchema): string | null {
  try {
    ajv.compile(schema)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function inWords(error: ErrorObject): string {
  const path = error.instancePath.slice(1).replaceAll('/', '.')
  const inside = path && `${path}: `
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'additionalProperties': {
      const field = String(params.additionalProperty)
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {})
      // Faults are joined, so that none is more than one sentence.
      return `${inside}unknown field "${field}"${near(field, known).replace(/^ (.*)/, ' ($1)')}`
    }
    case 'required':
      return `${inside}the field "${params.missingProperty}" is missing`
    case 'enum':
      return `${path || 'it'} must be one of ${(params.allowedValues as unknown[]).map(v => JSON.stringify(v)).join(', ')}`
    case 'const':
      return `${path || 'it'} must be ${JSON.stringify(params.allowedValue)}`
    default:
      return `${path || 'it'} ${error.message}`
  }
}
