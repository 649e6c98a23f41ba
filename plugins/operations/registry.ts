/** All contributed operations, checked at start and found by name. */
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { OpenPactError } from '../../kernel/index.ts'
import { type HttpShape, httpShape } from './http-shape.ts'
import { didYouMean } from './near-names.ts'
import type { Operation } from './operation.ts'
import { closedSchema, compileSchema, faultWords, hasBrokenText, plainSchema } from './schema-check.ts'
import { shapeWords } from './shape-words.ts'

export interface Registered {
  readonly operation: Operation
  /** The plugin that contributed it. */
  readonly plugin: string
  readonly shape: HttpShape
  /** Checks, coerces (`text`) and completes an input in place. @throws OpenPactError INVALID_INPUT */
  checkInput(input: unknown, text: boolean): object
  /** @throws OpenPactError OUTPUT_INVALID */
  checkOutput(output: unknown): void
}

export class Registry {
  readonly #byName = new Map<string, Registered>()
  readonly list: readonly Operation[]

  /** @throws OpenPactError OPERATIONS_INVALID naming every fault with its plugin */
  constructor(contributions: readonly { plugin: string; value: Operation }[]) {
    const faults: string[] = []
    const taken = new Map<string, string>()
    for (const { plugin, value } of contributions) {
      try {
        const registered = register(plugin, value)
        for (const claim of claims(registered)) {
          const first = taken.get(claim)
          if (first) throw new TypeError(`${claim} belongs to "${first}" already`)
          taken.set(claim, value.name)
        }
        this.#byName.set(value.name, registered)
      } catch (error) {
        faults.push(`- operation "${value.name}" of plugin ${plugin}: ${(error as Error).message}`)
      }
    }
    if (faults.length > 0) throw new OpenPactError('OPERATIONS_INVALID', { reason: faults.join('\n') })
    this.list = [...this.#byName.values()].map(({ operation }) => operation)
  }

  /** @throws OpenPactError OPERATION_UNKNOWN with near names */
  get(name: string): Registered {
    const found = this.#byName.get(name)
    if (found) return found
    throw new OpenPactError('OPERATION_UNKNOWN', {
      name: name.slice(0, 64),
      near: didYouMean(name, this.#byName.keys()),
    })
  }

  owner(name: string): string | undefined {
    return this.#byName.get(name)?.plugin
  }
}

/** Everything of an operation that no other may have. */
function claims({ operation, shape }: Registered): string[] {
  const claimed = [`the name ${operation.name}`, `${shape.method} ${shape.path.replace(/:\w+/g, ':')}`]
  if (operation.cli) claimed.push(`the command "${operation.cli.path}"`)
  if (operation.mcp) claimed.push(`the tool "${operation.mcp.tool}"`)
  return claimed
}

function register(plugin: string, operation: Operation): Registered {
  const shape = httpShape(operation)
  const input = operation.input as { type?: string; properties?: object; allOf?: unknown[] }
  if (input.type !== 'object' && !input.allOf) throw new TypeError('input is not an object schema')
  const missing = shape.params.filter(name => !input.allOf && !(name in (input.properties ?? {})))
  if (missing.length > 0) throw new TypeError(`path parameter "${missing[0]}" is not a field of input`)

  // Compiled at first use: some milliseconds each would add up to a slow start.
  const checks = new Map<string, ValidateFunction>()
  const check = (part: 'input' | 'output', text: boolean) => {
    const key = `${part} ${text}`
    let compiled = checks.get(key)
    if (!compiled) {
      try {
        compiled = compileSchema(part === 'input' ? closedSchema(operation.input) : plainSchema(operation.output), text)
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new OpenPactError('OPERATION_MISDECLARED', { name: operation.name, plugin, part, reason }, { cause })
      }
      checks.set(key, compiled)
    }
    return compiled
  }
  return {
    operation,
    plugin,
    shape,
    checkInput(given, text) {
      const value = given ?? {}
      const fits = check('input', text)
      if (text) refuseOddNumbers(value, operation.input)
      if (!fits(value)) throw new OpenPactError('INVALID_INPUT', { reason: faultWords(fits.errors) })
      // Text that is too large for a number becomes Infinity, which no `maximum` looks at.
      const endless = Object.entries(value).find(([, each]) => typeof each === 'number' && !Number.isFinite(each))
      if (endless) throw new OpenPactError('INVALID_INPUT', { reason: `"${endless[0]}" should be a finite number.` })
      if (hasBrokenText(value))
        throw new OpenPactError('INVALID_INPUT', { reason: 'a text in it is not valid Unicode.' })
      return value as object
    },
    checkOutput(output) {
      const fits = check('output', false)
      if (fits(output)) return
      throw new OpenPactError('OUTPUT_INVALID', { name: operation.name, plugin, reason: faultWords(fits.errors) })
    },
  }
}

/** A query is text, and what turns it into numbers takes `0x10`, `1e2` and ` 5 ` as JavaScript does. @throws OpenPactError INVALID_INPUT */
function refuseOddNumbers(value: object, { properties = {} }: { properties?: Record<string, unknown> }): void {
  for (const [name, typed] of Object.entries(value)) {
    const { type } = (properties[name] ?? {}) as { type?: unknown }
    if (typeof typed !== 'string' || (type !== 'integer' && type !== 'number') || /^-?\d+(\.\d+)?$/.test(typed))
      continue
    throw new OpenPactError('INVALID_INPUT', {
      reason: `"${name}" should be ${shapeWords(properties[name])} in decimal digits.`,
    })
  }
}
