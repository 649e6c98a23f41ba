/** Reads JSON bodies: UTF-8, bounded in depth, without keys that could reach a prototype. */
import { isUtf8 } from 'node:buffer'
import { OpenPactError } from '../../kernel/index.ts'
import './errors.ts'

/** Objects and lists within each other, the outermost included. */
export const DEEPEST = 32

/** An empty body is an empty object: many clients send the content type always. @throws OpenPactError BODY_MALFORMED */
export function readJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return {}
  if (!isUtf8(bytes)) throw malformed('it is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw malformed('its syntax is wrong')
  }
  if (typeof value === 'object' && value !== null) inspect(value, 1)
  return value
}

function inspect(value: object, depth: number): void {
  if (depth > DEEPEST) throw malformed(`it is nested deeper than ${DEEPEST} levels`)
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) inspect(item, depth + 1)
    return
  }
  for (const key of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[key]
    if (key === '__proto__') throw malformed('the key "__proto__" is not allowed')
    if (typeof field !== 'object' || field === null) continue
    if (key === 'constructor' && Object.hasOwn(field, 'prototype')) {
      throw malformed('the keys "constructor" and "prototype" within each other are not allowed')
    }
    inspect(field, depth + 1)
  }
}

function malformed(reason: string): OpenPactError {
  return new OpenPactError('BODY_MALFORMED', { reason })
}
