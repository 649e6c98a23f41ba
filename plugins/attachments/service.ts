/** Content beside the entries of a pact, as other plugins use it. */
import { type Pact, serviceRef } from '../../kernel/index.ts'

/** Bytes of one attachment. */
export const ATTACHMENT_LIMIT = 16 * 1024 * 1024

/** Names content that stands beside the entries of a pact; it goes into a payload, by convention as its `attachment`. */
export interface AttachmentRef {
  /** Key of its core, and of whoever signed that: hex. */
  core: string
  signer: string
  /** Bytes. */
  length: number
  /** sha256 of the bytes, hex. */
  hash: string
}

export interface ReadAttachmentOptions {
  /** ms to wait for blocks that are not here (10 000); 0 asks this machine alone, null waits until `signal` says otherwise. */
  timeout?: number | null
  /** Blocks that are here, and of how many. */
  progress?(have: number, of: number): void
  signal?: AbortSignal
}

export interface Attachments {
  /**
   * Puts content of up to 16 MiB beside the entries, encrypted and replicated with them: members fetch it by the answer.
   * @throws OpenPactError ATTACHMENT_INVALID, PACT_CLOSED
   */
  attach(pact: Pact, bytes: Buffer): Promise<AttachmentRef>
  /**
   * Attached content, fetched where it is not here, its hash checked. What was fetched stays and is served on.
   * @throws OpenPactError ATTACHMENT_MISSING, ATTACHMENT_FOREIGN, ATTACHMENT_CORRUPT, ATTACHMENT_INVALID, PACT_CLOSED
   */
  read(pact: Pact, ref: AttachmentRef, options?: ReadAttachmentOptions): Promise<Buffer>
  /** Whether all of it is on this machine. @throws as `read` */
  held(pact: Pact, ref: AttachmentRef): Promise<boolean>
}

export const attachments = serviceRef<Attachments>('attachments', 1)
