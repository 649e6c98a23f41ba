/** What replication needs of a pact: the seam between ledger/ (which implements it) and replication/ (which calls it). */
import type { Duplex } from 'node:stream'

/**
 * How a device stands in this pact, applied and confirmed views taken together:
 * `member`: seated in both. `empty`: this machine's view is still empty, it knows nobody and accepts whoever can name the tunnel.
 * `unknown`: not seated (or not confirmed yet): may still show an admission chain. `removed`: banned or retired, never again.
 */
export type Standing = 'member' | 'empty' | 'unknown' | 'removed'

export interface Replicated {
  readonly id: string
  readonly key: Buffer
  readonly encryptionKey: Buffer
  /**
   * A replication stream of this pact's store alone (`base.replicate`).
   * @param remote Noise key of the machine at the other end
   */
  replicate(isInitiator: boolean, remote?: Buffer): Duplex
  standing(noise: Buffer): Promise<Standing>
  /** Hex of the identity seated with this Noise key, or null. */
  identityOf(noise: Buffer): string | null
  /** Own admission chain (≤16 KiB), shown to a peer that may have slept while this machine was admitted. */
  admissionChain(): Promise<Buffer>
  /** Whether `chain` proves that members known here admitted `noise`. Total: never throws on content. */
  vouches(chain: Buffer, noise: Buffer): Promise<boolean>
  /** The machine with this Noise key says that this one was removed. Who believes that, and what it changes, is the pact's to say. */
  dismissed(by: Buffer): void
  /** A last word of plugins (`peer.admit` hook): a reason to refuse, or undefined. */
  refuses(noise: Buffer): Promise<string | undefined>
  /** Calls back whenever membership or the confirmed length may have changed. Returns its undo. */
  onChange(fn: () => void): () => void
}
