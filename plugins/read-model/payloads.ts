/** What of an entry can be read here: its payload as JSON, and whether it is what its type promises. */
import { Ajv, type ValidateFunction } from 'ajv'
import { ACCEPTED, type EntryType, IMPORT, type Kernel, type LogRecord } from '../../kernel/index.ts'

export interface ReadPayload {
  /** JSON text: the payload, or what is known of it when it cannot be read. */
  json: string
  /** Parsed; undefined when it cannot be read. */
  value: unknown
  /** Why it cannot be read, or null. */
  unreadable: string | null
}

/** The same options as before signing, or an entry could be signed here and unreadable there. */
const ajv = new Ajv({ allErrors: false, strict: false, meta: false, validateSchema: false })
const checks = new WeakMap<object, ValidateFunction>()

/** Reads a record's payload against the type's owner as loaded on this machine; a type that nobody owns here is readable raw. */
export function readPayload(record: LogRecord, kernel: Pick<Kernel, 'entryType'>): ReadPayload {
  const { entry } = record
  if (!entry) {
    const kept = { size: record.size, hash: record.hash.toString('hex') }
    return unreadable(kept, 'it is malformed or over a limit; only its size and hash were kept')
  }
  if (entry.type === IMPORT)
    return { json: JSON.stringify({ bytes: entry.payload.length }), value: undefined, unreadable: null }
  if (entry.enc) return unreadable(entry.payload.toString('base64'), `it is encrypted (${entry.enc})`)
  const json = entry.payload.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return unreadable(json, 'the payload is not JSON')
  }
  const fault = record.verdict === ACCEPTED ? payloadFault(kernel.entryType(entry.type), value) : null
  return { json, value: fault === null ? value : undefined, unreadable: fault }
}

/** How the reason of a payload that does not fit its type begins: what may change when the type does. */
export const MISFIT = 'it does not fit its type: '

/** Why a payload does not fit its type, or null when it does. */
export function payloadFault(type: EntryType | null, payload: unknown): string | null {
  if (!type) return null
  let check = checks.get(type.payload)
  if (!check) {
    check = ajv.compile(type.payload)
    checks.set(type.payload, check)
  }
  if (check(payload)) return null
  const error = check.errors?.[0]
  const where = error?.instancePath.slice(1).replaceAll('/', '.') || 'the payload'
  return `${MISFIT}${where} ${error?.message ?? 'is something else'}`
}

function unreadable(kept: unknown, reason: string): ReadPayload {
  return { json: JSON.stringify(kept), value: undefined, unreadable: reason }
}
