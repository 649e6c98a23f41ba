/** The chains that logs ended with lately, by root hash: whoever knows where a log stands need not read its last block. */
import type Hypercore from 'hypercore'
import { rootHash } from './session.ts'

/** Followers look at the log while apply is a batch or two ahead. */
const KEEP = 32

export class Tips {
  private readonly chains = new Map<string, Buffer>()

  /** Takes note that a log ends with `chain` now. */
  remember(log: Hypercore, chain: Buffer): void {
    if (this.chains.size >= KEEP) this.chains.delete(this.chains.keys().next().value as string)
    this.chains.set(rootHash(log), chain)
  }

  /** The chain that a log ends with, or null when that is not known. */
  of(log: Hypercore): Buffer | null {
    return this.chains.size > 0 ? (this.chains.get(rootHash(log)) ?? null) : null
  }
}
