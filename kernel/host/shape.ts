/** What a plugin looks like, checked by its shape alone: it may come from another copy or from plain JavaScript. */
import { type Static, Type } from '../json-schema.ts'
import { schemaFault, schemaFaults } from './schema.ts'

/** The version of the plugin contract that this host offers. */
const API = 1

const closed = { additionalProperties: false }
const Code = Type.Optional(Type.Unknown())
const Services = Type.Array(
  Type.Object({ id: Type.String({ minLength: 1 }), major: Type.Integer({ minimum: 0 }) }, closed),
)

/** One entry of `plugins` in the configuration, in its long form. */
export const EntrySchema = Type.Object(
  {
    plugin: Type.Unsafe({ type: ['string', 'object'], minLength: 1 }),
    config: Type.Optional(Type.Object({})),
    optional: Type.Optional(Type.Boolean()),
    off: Type.Optional(Type.Boolean()),
    from: Type.Optional(Type.String()),
  },
  closed,
)

const PluginSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', maxLength: 64 }),
    version: Type.String({ minLength: 1 }),
    api: Type.Integer(),
    summary: Type.String(),
    requires: Type.Optional(Services),
    provides: Type.Optional(Services),
    config: Type.Optional(Type.Object({})),
    entryTypes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ pattern: '^[a-z][a-z0-9._-]{0,63}$' }),
            v: Type.Integer({ minimum: 1 }),
            payload: Type.Object({}),
            summary: Type.String(),
            words: Code,
          },
          closed,
        ),
      ),
    ),
    rules: Type.Optional(
      Type.Object(
        {
          protocol: Type.Integer({ minimum: 1 }),
          defaults: Type.Optional(Type.Unknown()),
          types: Type.Array(Type.String()),
          validate: Code,
          reduce: Code,
          judgesAll: Type.Optional(Type.Boolean()),
          carries: Type.Optional(Type.Boolean()),
          admits: Type.Optional(
            Type.Unsafe<Record<string, { verify?: unknown; admitted?: unknown }>>({
              type: 'object',
              additionalProperties: { type: 'object' },
            }),
          ),
        },
        closed,
      ),
    ),
    points: Type.Optional(Type.Array(Type.Object({ id: Type.String({ minLength: 1 }), key: Code }, closed))),
    contributes: Type.Optional(
      Type.Array(Type.Object({ point: Type.String({ minLength: 1 }), id: Type.String({ minLength: 1 }) })),
    ),
    startLimit: Type.Optional(Type.Integer({ minimum: 1 })),
    setup: Code,
  },
  closed,
)

/** What is wrong with a value that should be a plugin; empty when it is one. */
export function shapeFaults(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || !('name' in value || 'api' in value)) {
    return ['its default export is not a plugin; make one with definePlugin']
  }
  const faults = schemaFaults(PluginSchema, value)
  if (faults.length > 0) return faults
  const plugin = value as Static<typeof PluginSchema>
  if (plugin.api !== API) return [`it asks for api ${plugin.api}; this OpenPact offers api ${API}`]
  return [...codeFaults(plugin), ...declaredSchemaFaults(plugin), ...wordsFaults(plugin)]
}

/** JSON schema cannot say "a function". */
function codeFaults({ rules, points, setup }: Static<typeof PluginSchema>): string[] {
  const optional: [string, unknown][] = [
    ['setup', setup],
    ['rules.validate', rules?.validate],
    ['rules.reduce', rules?.reduce],
  ]
  const required: [string, unknown][] = (points ?? []).map(point => [`the key of point "${point.id}"`, point.key])
  for (const [kind, proof] of Object.entries(rules?.admits ?? {})) {
    required.push([`rules.admits.${kind}.verify`, proof.verify])
    optional.push([`rules.admits.${kind}.admitted`, proof.admitted])
  }
  return [...required, ...optional.filter(([, code]) => code !== undefined)]
    .filter(([, code]) => typeof code !== 'function')
    .map(([name]) => `${name} must be a function`)
}

/** A brace that stands for no field would be shown to people as it is. */
function wordsFaults({ entryTypes = [] }: Static<typeof PluginSchema>): string[] {
  return entryTypes
    .filter(({ words = 'absent' }) => typeof words !== 'string' || !/^([^{}]|\{\w+(\.\w+)*\})+$/.test(words))
    .map(({ name }) => `the words of "${name}" must be a text, and braces in it hold the name of a field, like {title}`)
}

function declaredSchemaFaults({ config, entryTypes }: Static<typeof PluginSchema>): string[] {
  const schemas: [string, object][] = (entryTypes ?? []).map(type => [`the payload of "${type.name}"`, type.payload])
  if (config) schemas.push(['config', config])
  return schemas.flatMap(([name, schema]) => {
    const fault = schemaFault(schema)
    return fault === null ? [] : [`${name} is no JSON schema: ${fault}`]
  })
}
