/** Fields of an operation as arguments and flags, and what was typed as its input. */
import { Argument, type Command, Option } from 'commander'
import { OpenPactError } from '../kernel/errors.ts'
import { durationDescription, durationUnit, durationValue } from './duration.ts'
import type { OperationInfo } from './known-operations.ts'
import { choicesOf, fieldsOf, itemsOf, type Schema, typesOf } from './schema.ts'
import { textOf } from './text-file.ts'

/** Adds the arguments and flags of an operation. @returns whether one of them is a duration */
export function addFields(command: Command, operation: OperationInfo): boolean {
  const { properties, required } = fieldsOf(operation.input)
  const positional = operation.cli?.args ?? []
  for (const name of positional) {
    const schema = properties[name] ?? {}
    // The last one may be a list; commander takes all that follows for it.
    const many = typesOf(schema).has('array') && name === positional.at(-1) ? '...' : ''
    const word = name === operation.cli?.file ? 'file' : `${flag(name)}${many}`
    const argument = new Argument(required.includes(name) ? `<${word}>` : `[${word}]`, wordsOf(schema))
    command.addArgument(many ? argument : argument.argParser(text => text))
  }
  let durations = false
  for (const [name, schema] of Object.entries(properties)) {
    if (positional.includes(name)) continue
    durations ||= durationUnit(schema) !== undefined
    const option = optionOf(name, schema)
    option.description = asTyped(option.description, operation)
    if (required.includes(name)) {
      option.makeOptionMandatory()
      option.description = [option.description, '(needed)'].filter(Boolean).join(' ')
    }
    command.addOption(option)
  }
  return durations
}

/** What an operation says of itself on the command line. */
export function descriptionOf(operation: OperationInfo): string {
  const { summary, description, cli } = operation
  return asTyped(cli?.description ?? description ?? summary, operation)
}

/** A text with the fields of an operation as they are typed: `until: applied` is `--until applied`. */
function asTyped(text: string, { input, cli }: OperationInfo): string {
  const { properties } = fieldsOf(input)
  return text.replace(/`(\w+)(?:: ?(\w+))?`/g, (whole, name: string, value = '') => {
    const schema = properties[name]
    if (!schema) return whole
    const typed = cli?.args?.includes(name) ? `<${flag(name)}>` : `--${flagOf(name, schema)}`
    return `\`${typed}${value && ` ${value}`}\``
  })
}

function optionOf(name: string, schema: Schema): Option {
  const types = typesOf(schema)
  const unit = durationUnit(schema)
  if (unit) return new Option(`--${flagOf(name, schema)} <duration>`, durationDescription(schema, unit))
  const words = wordsOf(schema)
  if (types.has('boolean') && types.size === 1) return new Option(`--${flag(name)}`, words)
  const objects = typesOf(itemsOf(schema) ?? schema)
  const value = objects.size === 1 && objects.has('object') ? '<json>' : '<value>'
  if (!types.has('array')) return new Option(`--${flag(name)} ${value}`, words)
  const repeated = [words, 'repeat the flag for more than one'].filter(Boolean).join('; ')
  return new Option(`--${flag(name)} ${value}`, repeated).argParser(collect)
}

function wordsOf(schema: Schema): string {
  const items = itemsOf(schema) ?? {}
  const choices = (choicesOf(schema) ?? choicesOf(items))?.join(' | ')
  return [schema.description ?? schema.title ?? items.description ?? items.title, choices].filter(Boolean).join(': ')
}

function collect(text: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? before : []), text]
}

/** What was typed as the operation's input, by the types that its schema allows. @throws OpenPactError USAGE, INVALID_INPUT, FILE_UNUSABLE, FILE_TOO_LARGE, FILE_NOT_TEXT */
export function inputOf(operation: OperationInfo, command: Command): Record<string, unknown> {
  const { properties } = fieldsOf(operation.input)
  const positional = operation.cli?.args ?? []
  const options = command.opts()
  const input: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(properties)) {
    const at = positional.indexOf(name)
    const typed: unknown = at >= 0 ? command.processedArgs[at] : options[attribute(flagOf(name, schema))]
    const none = typed === undefined || (Array.isArray(typed) && typed.length === 0)
    if (none) continue
    input[name] = name === operation.cli?.file ? textOf(String(typed)) : typedValue(name, typed, schema)
  }
  return input
}

/** One value by the types that its schema allows. @throws OpenPactError USAGE, INVALID_INPUT */
export function typedValue(name: string, typed: unknown, schema: Schema): unknown {
  if (typeof typed === 'boolean') return typed
  if (typesOf(schema).has('array')) return listOf(name, [typed].flat().map(String), schema)
  return scalar(name, String(typed), schema)
}

/** A flag given once may hold the whole list as JSON, which is how an empty one is typed, or `null` where that may stand for it. */
function listOf(name: string, words: readonly string[], schema: Schema): unknown {
  const [only = ''] = words
  const types = typesOf(schema)
  if (words.length === 1 && only === 'null' && types.has('null')) return null
  const json = words.length === 1 && !types.has('string') && /^\s*\[.*\]\s*$/s.test(only)
  if (json) return parseJson(`--${flag(name)}`, only)
  const items = itemsOf(schema) ?? {}
  return words.map(word => scalar(name, word, items))
}

function scalar(name: string, text: string, schema: Schema): unknown {
  if (durationUnit(schema)) return durationValue(`--${flagOf(name, schema)}`, text, schema)
  const types = typesOf(schema)
  if (types.has('number') || types.has('integer')) {
    if (/^-?\d+$/.test(text) || (types.has('number') && /^-?\d+\.\d+$/.test(text))) return Number(text)
    // In a query the daemon would take `0x10`, `1e2` and ` 5 ` as JavaScript does, so they are refused here, as the daemon words it.
    if ([...types].every(type => type === 'number' || type === 'integer')) {
      const wanted = types.has('number') ? 'a number' : 'a whole number'
      const reason = `"${name}" should be ${wanted} in decimal digits, not "${text}".`
      throw new OpenPactError('INVALID_INPUT', { reason })
    }
  }
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (types.has('null') && text === 'null') return null
  const json = types.has('object') || types.has('array') || types.size === 0
  return json && /^\s*[[{]/.test(text) ? parseJson(`--${flag(name)}`, text) : text
}

/** @throws OpenPactError USAGE */
export function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const hint = `Quote it for your shell, e.g. ${what} '{"key":"value"}'`
    throw new OpenPactError('USAGE', { reason: `${what} is not JSON: ${text}`, hint })
  }
}

/** `lease_ms` is typed `--lease 15m`: a duration is typed with its unit. */
export function flagOf(name: string, schema: Schema): string {
  return flag(durationUnit(schema) ? name.replace(/_(ms|seconds)$/, '') : name)
}

/** `depends_on` is typed `--depends-on`. */
function flag(name: string): string {
  return name.replace(/_/g, '-').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** The name under which commander keeps a flag. */
function attribute(flag: string): string {
  return flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
