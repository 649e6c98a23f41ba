/** From a draft to the fields that are signed: completed and refused by hooks, checked against its type, bounded. */
import { Ajv, type ValidateFunction } from 'ajv'
import canonicalize from 'canonicalize'
import { OpenPactError } from '../errors.ts'
import type { Author } from '../hooks.ts'
import type { Pact } from '../pact.ts'
import type { EntryType } from '../plugin.ts'
import type { Draft, Entry, Ref } from './entry.ts'
import { IMPORT, idPattern, limits, nestingOf, wordPattern } from './envelope.ts'
import { isKernelType } from './kernel-types.ts'

/** What drafting needs of the plugin host. */
export interface DraftingHost {
  entryType(name: string): (EntryType & { plugin: string }) | null
  complete(draft: Draft, context: { pact: Pact; author: Author }): Promise<Draft>
  authorise(draft: Draft, context: { pact: Pact; author: Author }): Promise<void>
}

/** Everything of an entry but what the queue fills in: `n`, the clock, the signature. */
export type Prepared = Omit<Entry, 'n' | 'signature' | 'timestamp'> & { timestamp: number | null }

// Types were compiled when their plugins were loaded; the meta schema would cost the first write 100 ms.
const ajv = new Ajv({ allErrors: false, strict: false, meta: false, validateSchema: false })
const validators = new WeakMap<object, ValidateFunction>()

/** Why a payload does not fit its schema, in words, or null when it does. */
export function payloadFault(schema: object, payload: unknown): string | null {
  const validate = validators.get(schema) ?? ajv.compile(schema)
  validators.set(schema, validate)
  if (validate(payload)) return null
  const error = validate.errors?.[0]
  return error ? `${error.instancePath || 'payload'} ${error.message ?? 'is not valid'}` : 'is not valid'
}

/** @throws OpenPactError ENTRY_TYPE_UNKNOWN, PAYLOAD_INVALID, PAYLOAD_TOO_LARGE, INVALID_INPUT, or what a hook refuses with */
export async function prepare(draft: Draft, pact: Pact, author: Author, host: DraftingHost): Promise<Prepared> {
  const context = { pact, author }
  const complete = await host.complete(draft, context)
  const type = host.entryType(complete.type)
  if (!type && !isKernelType(complete.type)) throw new OpenPactError('ENTRY_TYPE_UNKNOWN', { type: complete.type })
  const refs = (complete.refs ?? []).map(asRef)
  if (refs.length > limits.refs)
    throw new OpenPactError('INVALID_INPUT', { reason: `refs: at most ${limits.refs} are allowed` })
  if (type && !complete.enc) {
    const fault = payloadFault(type.payload, complete.payload)
    if (fault) throw new OpenPactError('PAYLOAD_INVALID', { type: complete.type, reason: fault })
  }
  await host.authorise(complete, context)
  const payload = complete.enc ? (complete.payload as Buffer) : Buffer.from(jsonOf(complete))
  const limit = complete.type === IMPORT ? limits.import : limits.payload
  if (payload.length > limit) throw new OpenPactError('PAYLOAD_TOO_LARGE', { size: payload.length, limit })
  if (!complete.enc && nestingOf(payload) > limits.nesting)
    throw new OpenPactError('PAYLOAD_INVALID', { type: complete.type, reason: `nested deeper than ${limits.nesting}` })
  return {
    v: type?.v ?? 1,
    type: complete.type,
    timestamp: complete.timestamp ?? null,
    topic: text(complete.topic, 'topic', limits.topic),
    payload,
    refs,
    agent: author.key,
    origin: text(complete.origin, 'origin', limits.origin),
    caused_by: text(complete.caused_by, 'caused_by', limits.word),
    hops: complete.hops ?? 0,
    dedup: complete.dedup ?? null,
    enc: text(complete.enc, 'enc', limits.word),
    ext: complete.ext ?? null,
  }
}

/** Bytes the entry will have, near enough for cutting batches. */
export function sizeOf(prepared: Prepared): number {
  return prepared.payload.length + prepared.topic.length + prepared.refs.length * 80 + 256
}

function jsonOf(draft: Draft): string {
  try {
    const json = canonicalize(draft.payload)
    if (json !== undefined) return json
  } catch {
    // Cyclic or not JSON: reported below like any other payload that is not JSON.
  }
  throw new OpenPactError('PAYLOAD_INVALID', {
    type: draft.type,
    reason: 'it is not JSON, or a text in it is not valid Unicode',
  })
}

function asRef(ref: Ref | string): Ref {
  const full = typeof ref === 'string' ? { id: ref, type: 'related' } : ref
  if (!idPattern.test(full.id))
    throw new OpenPactError('INVALID_INPUT', { reason: `refs: "${full.id}" is not an entry id` })
  if (!wordPattern.test(full.type))
    throw new OpenPactError('INVALID_INPUT', { reason: `refs: "${full.type}" is not a type of reference` })
  if (full.pact !== undefined && !/^[0-9a-f]{64}$/.test(full.pact))
    throw new OpenPactError('INVALID_INPUT', { reason: 'refs: pact is not a 64-hex id' })
  return full
}

function text(value: string | undefined, field: string, limit: number): string {
  if (value === undefined) return ''
  if (value.length > limit)
    throw new OpenPactError('INVALID_INPUT', { reason: `${field}: at most ${limit} characters` })
  if (/[\p{Cc}]/u.test(value))
    throw new OpenPactError('INVALID_INPUT', { reason: `${field}: control characters are not allowed` })
  // Half a surrogate pair has no UTF-8: it would be stored as another character than the author's.
  if (/\p{Cs}/u.test(value)) throw new OpenPactError('INVALID_INPUT', { reason: `${field}: it is not valid Unicode` })
  return value
}
