/** The shapes of an entry: what a caller gives, what is signed, what is recorded. The bytes are in envelope.ts. */

/** A typed reference to another entry. `pact` (64 hex) is absent for an entry of the same pact. */
export interface Ref {
  pact?: string
  /** `<8 hex>-<n>` */
  id: string
  /** `supersedes | supports | contradicts | related | applied | replies`, or a plugin's own word */
  type: string
}

/** What a plugin or caller asks to be written. Everything else of the envelope is filled in by the kernel. */
export interface Draft {
  type: string
  payload: unknown
  topic?: string
  refs?: (Ref | string)[]
  /** Milliseconds since 1970. Only for tests and imports; by default the machine's clock, running forward. */
  timestamp?: number
  origin?: string
  caused_by?: string
  hops?: number
  /** 32 bytes; see `dedupKey` in the operations plugin. */
  dedup?: Buffer
  /** Payload is ciphertext; names the scheme. */
  enc?: string
  /** At most 1 KiB, ignored by readers that do not know it. */
  ext?: Buffer
  /** What stands in attachments that the payload names: not signed, but `append.authorise` may look it over. */
  attached?: readonly string[]
}

/** An entry as signed: `v` is the version of the type's payload, `n` the writer's own counter from 1. */
export interface Entry {
  v: number
  type: string
  n: number
  /** Milliseconds since 1970: the author's claim, never used for order. */
  timestamp: number
  topic: string
  /** UTF-8 JSON, or ciphertext when `enc` is set. */
  payload: Buffer
  refs: Ref[]
  /** Ed25519 public key of the agent that signed, 32 bytes. */
  agent: Buffer
  origin: string
  caused_by: string
  hops: number
  dedup: Buffer | null
  enc: string
  ext: Buffer | null
  signature: Buffer
}

/** The verdict of an entry that was accepted. Every other verdict is a kebab-case code that says why not. */
export const ACCEPTED = 'accepted'

/** Verdict of an own entry that was lost with the machine's seat: in no view, readable on this machine only. */
export const ORPHANED = 'orphaned'

/**
 * One linearised entry as recorded in the `log` view.
 * `entry` is null when it was malformed or over a limit: then only hash, size and verdict were kept.
 */
export interface LogRecord {
  position: number
  /** hash(previous chain ‖ writer ‖ n ‖ hash(entry bytes) ‖ verdict), 32 bytes: commits to the whole prefix. */
  chain: Buffer
  /** Key of the writer's core, 32 bytes. */
  writer: Buffer
  n: number
  id: string
  verdict: string
  entry: Entry | null
  /** Length of the entry's bytes as they were in the writer's core. */
  size: number
  /** Hash of the entry's bytes. */
  hash: Buffer
  /** Key of the pact that it was written and signed for, when refounding carried it over from there; 32 bytes. */
  carried?: Buffer
}

/** What an append answers. `confirmed` is false while a quorum has not signed past it: the verdict may still change. */
export interface Receipt {
  id: string
  position: number
  verdict: string
  chain: Buffer
  confirmed: boolean
  timestamp: number
}

/** `applied`: in this machine's view. `confirmed`: signed by a quorum of indexers, will never move. */
export type Until = 'applied' | 'confirmed'
