/** `call.append`: writes one entry for an operation, once per Idempotency-Key, and turns a refusal into its coded error. */
import canonicalize from 'canonicalize'
import {
  ACCEPTED,
  type Draft,
  errorDefinition,
  type Kernel,
  OpenPactError,
  type Pact,
  type Receipt,
  type Ref,
  verdictToCode,
} from '../../kernel/index.ts'
import type { EntryView, ReadModel } from '../read-model/service.ts'
import { dedupKey } from './idempotency.ts'
import { marked } from './marks.ts'
import type { Call, Cause } from './operation.ts'

export interface Writing {
  pact: Pact
  /** Name of an agent of this machine. */
  agent: string
  kernel: Kernel
  readModel: ReadModel
  /** Asked for only where something is waited for: making one costs. */
  signal: () => AbortSignal
  idempotencyKey?: string
  /** The caller wants it signed whatever the search for secrets says; the entry will say that. */
  allowSecret: boolean
  /** What started the caller. */
  cause?: Cause
}

/** Makes the `append` of one call. */
export function appender(writing: Writing): Call['append'] {
  const { pact, agent, kernel, readModel, signal, idempotencyKey, allowSecret, cause } = writing
  let written = 0
  const author = idempotencyKey === undefined ? null : kernel.identity.agent(agent)
  return async (draft, { until, timeout, details } = {}) => {
    let stamped = draft
    if (allowSecret || cause)
      stamped = { ...draft, ext: marked({ ...(allowSecret && { secret: 'allowed' }), run: cause?.run }) }
    if (cause) stamped = { ...stamped, caused_by: cause.entry, hops: cause.hops }
    if (author && idempotencyKey !== undefined) {
      const dedup = dedupKey(author.key, idempotencyKey, written++)
      // Another member can copy the mark into an entry of its own; only the agent's own entry counts.
      const first = readModel.entryByDedup(pact, dedup, author.key.toString('hex'))
      if (first) {
        if (content(draft) !== content(first)) throw new OpenPactError('IDEMPOTENCY_KEY_REUSED')
        if (until === 'confirmed') await confirmation(pact, readModel, first.id, { timeout, signal: signal() })
        return accepted(draft, await receiptOf(pact, readModel.entry(pact, first.id) ?? first), details)
      }
      stamped = { ...stamped, dedup }
    }
    const [receipt] = await pact.append([stamped], {
      agent,
      until,
      timeout,
      signal: until === 'confirmed' ? signal() : undefined,
    })
    if (!receipt) throw new Error(`pact.append answered no receipt for ${draft.type}`)
    await readModel.written(pact, receipt.id)
    return accepted(draft, receipt, details)
  }
}

/** As `Call.confirmation`. */
export async function confirmation(
  pact: Pact,
  readModel: ReadModel,
  id: string,
  { timeout = 10_000, signal }: { timeout?: number; signal: AbortSignal },
): Promise<boolean> {
  // Of what was written before the last start there is no receipt.
  const confirmed = () => (pact.receipt(id) ?? readModel.entry(pact, id))?.confirmed ?? false
  if (confirmed()) return true
  const ended = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
  await new Promise<void>(resolve => {
    const end = () => {
      unwatch()
      ended.removeEventListener('abort', end)
      resolve()
    }
    const unwatch = readModel.onSync(moved => {
      if (moved === pact && confirmed()) end()
    })
    ended.addEventListener('abort', end)
    if (ended.aborted) end()
  })
  return confirmed()
}

/** The receipt of an own entry, out of the index where it was written before the last start. */
async function receiptOf(pact: Pact, { id, position, verdict, confirmed, timestamp }: EntryView): Promise<Receipt> {
  const receipt = pact.receipt(id)
  if (receipt) return receipt
  const record = await pact.record(position)
  if (!record) throw new OpenPactError('ENTRY_UNKNOWN', { id })
  return { id, position, verdict, chain: record.chain, confirmed, timestamp: Date.parse(timestamp) }
}

/** What an entry says, without what the kernel fills in. */
function content({ type, topic = '', payload, refs = [] }: Pick<Draft, 'type' | 'topic' | 'payload' | 'refs'>): string {
  return canonicalize({ type, topic, payload, refs: refs.map(fullRef) }) ?? ''
}

function fullRef(ref: Ref | string): Ref {
  return typeof ref === 'string' ? { id: ref, type: 'related' } : ref
}

function accepted(draft: Draft, receipt: Receipt, details: object = {}): Receipt {
  if (receipt.verdict === ACCEPTED) return receipt
  const { id, verdict } = receipt
  const code = verdictToCode(verdict)
  throw new OpenPactError(errorDefinition(code) ? code : 'ENTRY_REFUSED', {
    id,
    verdict,
    type: draft.type,
    reason: verdict,
    ...details,
  })
}
