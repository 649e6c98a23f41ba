/** JSON schema as far as it decides how a field is typed on a command line. */

export interface Schema {
  type?: string | string[]
  description?: string
  title?: string
  pattern?: string
  minimum?: number
  maximum?: number
  enum?: unknown[]
  const?: unknown
  default?: unknown
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  allOf?: Schema[]
}

/** The fields of an input, also where it is made of several parts. */
export function fieldsOf(schema: Schema): { properties: Record<string, Schema>; required: string[] } {
  const parts = [schema, ...(schema.allOf ?? [])]
  return {
    properties: Object.assign({}, ...parts.map(part => part.properties ?? {})),
    required: parts.flatMap(part => part.required ?? []),
  }
}

/** Every type that a value of the schema may have. */
export function typesOf(schema: Schema): Set<string> {
  const own = schema.type === undefined ? [] : [schema.type].flat()
  const literal = schema.const ?? schema.enum?.[0]
  const literals = own.length === 0 && literal !== undefined ? [literal === null ? 'null' : typeof literal] : []
  return new Set([...own, ...literals, ...(schema.anyOf ?? []).flatMap(part => [...typesOf(part)])])
}

/** What a list holds, also where something else may stand in its place. */
export function itemsOf({ items, anyOf = [] }: Schema): Schema | undefined {
  return items ?? anyOf.find(part => part.items)?.items
}

/** The values of an enumeration or a union of constants, if they are few enough to be listed. */
export function choicesOf(schema: Schema): string[] | undefined {
  const parts = schema.anyOf ?? [schema]
  const choices = parts.flatMap(part => part.enum ?? (part.const === undefined ? [] : [part.const]))
  return choices.length > 0 && choices.length <= 12 ? choices.map(String) : undefined
}
