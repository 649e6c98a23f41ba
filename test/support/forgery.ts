/** Blocks that a hostile member writes past its own kernel, straight into its core. */
import type { Entry } from '../../kernel/ledger/entry.ts'
import { encodeEntry } from '../../kernel/ledger/envelope.ts'
import type { TestKernel } from './kernels.ts'

/** An entry with these fields, signed by the default agent of `kernel` whatever they say. */
export function forgedBlock({ pact, identity }: TestKernel, fields: Partial<Entry> & { payload: Buffer }): Buffer {
  const usual = { v: 1, type: 'knowledge', n: 100_000 + pact.length, timestamp: Date.now(), topic: '', refs: [] }
  const empty = { origin: '', caused_by: '', hops: 0, dedup: null, enc: '', ext: null }
  const entry = { ...usual, ...empty, agent: identity.defaultAgent.key, ...fields }
  return encodeEntry(entry, pact.key, pact.writer, message => identity.sign(identity.defaultAgent.name, message)).bytes
}
