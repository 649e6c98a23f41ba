/** Idempotency keys: which are running, what the last ones were answered, and the mark a key leaves in the ledger. */
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { OpenPactError } from '../../kernel/index.ts'
import type { Answer } from './service.ts'

/** Answers remembered in memory. Older ones are found again in the ledger, by `dedupKey`. */
const REMEMBERED = 256

interface Known {
  fingerprint: string
  /** Null while the first request is still running. */
  answer: Answer | null
}

/**
 * The `dedup` of an entry: sha256(agent key ‖ Idempotency-Key ‖ counter), 32 bytes.
 * @param counter how many entries the call has written before this one
 */
export function dedupKey(agentKey: Buffer, key: string, counter: number): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(counter)
  return createHash('sha256').update(agentKey).update(key, 'utf8').update(count).digest()
}

/** @throws OpenPactError IDEMPOTENCY_KEY_INVALID */
export function checkKey(key: string): void {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key)) throw new OpenPactError('IDEMPOTENCY_KEY_INVALID')
}

/** What a request says, whatever the order of its fields. @throws OpenPactError INVALID_INPUT */
export function fingerprint(operation: string, input: object): string {
  return createHash('sha256').update(operation).update('\n').update(canonical(input)).digest('base64')
}

/** Half of a surrogate pair has no canonical form. */
function canonical(input: object): string {
  try {
    return canonicalize(input) ?? ''
  } catch (cause) {
    throw new OpenPactError('INVALID_INPUT', { reason: 'a text in it is not valid Unicode' }, { cause })
  }
}

export class IdempotencyKeys {
  readonly #known = new Map<string, Known>()

  /**
   * Runs `fn` once per key. A repetition gets the first answer; settled answers only, so that a pending one can settle.
   * @param scope agent and pact, within which a key is unique
   * @throws OpenPactError IDEMPOTENCY_KEY_RUNNING, IDEMPOTENCY_KEY_REUSED
   */
  async once(scope: string, key: string, fingerprint: string, fn: () => Promise<Answer>): Promise<Answer> {
    const id = `${scope}\n${key}`
    const known = this.#known.get(id)
    if (known && !known.answer) throw new OpenPactError('IDEMPOTENCY_KEY_RUNNING')
    if (known && known.fingerprint !== fingerprint) throw new OpenPactError('IDEMPOTENCY_KEY_REUSED')
    if (known?.answer) return known.answer
    const started: Known = { fingerprint, answer: null }
    this.#known.set(id, started)
    try {
      const answer = await fn()
      if (!answer.pending) started.answer = answer
      return answer
    } finally {
      if (!started.answer) this.#known.delete(id)
      this.#forget()
    }
  }

  #forget(): void {
    for (const [id, { answer }] of this.#known) {
      if (this.#known.size <= REMEMBERED) return
      if (answer) this.#known.delete(id)
    }
  }
}
