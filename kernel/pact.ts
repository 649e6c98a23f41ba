/** What plugins see of one open pact: its ledger, its members, its channels. Implemented in ledger/ and replication/. */
import type Corestore from 'corestore'
import type { Author } from './hooks.ts'
import type { Draft, LogRecord, Receipt, Until } from './ledger/entry.ts'
import type { Application } from './ledger/seats.ts'
import type { RuleState } from './rules.ts'

/** What can change what is accepted: the first entry of a pact, amended by `pact.amend`. */
export interface Charter {
  name: string
  purpose: string
  template: string
  /** `commons`: public readers; reserved. */
  visibility: 'private' | 'commons'
  /** Who may invite and admit besides admins. */
  invites: 'admin' | 'member'
  /** Entry types members may write; null allows all. Kernel types are always allowed. */
  types: string[] | null
  quotas: { payload_bytes: number }
  /** Active ruled plugins, judged in this order. */
  rules: { plugin: string; protocol: number; settings: unknown }[]
}

/** A change to the charter: only the named fields are replaced. */
export type CharterChange = Partial<Omit<Charter, 'visibility' | 'template'>>

export interface CharterState {
  charter: Charter
  /** Hex. An amendment must name this one, or that of what is proposed if something is. */
  hash: string
  /** The charter with rules that wait until a quorum of indexers is ready for them. An amendment amends this one too. */
  proposed: { charter: Charter; hash: string; ready: string[] } | null
}

/** One seated device. Keys in hex. */
export interface Member {
  identity: string
  writer: string
  noise: string
  role: 'admin' | 'member'
  indexer: boolean
  /** Ledger position of the entry that seated it. */
  since: number
}

/** A key that may sign entries for an identity. */
export interface LedgerAgent {
  /** Hex. */
  key: string
  name: string
  identity: string
  /** What it is for, in its owner's word, e.g. `reviewer`; it gives no rights. Null when nothing was said. */
  label: string | null
  revoked: boolean
}

export interface AppendOptions {
  /** Name of an agent of this machine; the default agent if absent. */
  agent?: string
  /** `applied` by default. */
  until?: Until
  /** ms; 10 000. With `confirmed`, on expiry the receipt comes back with `confirmed: false`. */
  timeout?: number
  signal?: AbortSignal
}

/** What changed in the view since a caller last looked: the way every index follows the log. */
export interface Delta {
  /** The caller's records from this position on no longer hold. Equals its own position when nothing was reordered. */
  common: number
  /** Chain at `common` (32 zero bytes at 0). */
  commonChain: Buffer
  /** Records from `common` on, at most `limit`; fewer when blocks are still missing. */
  records: LogRecord[]
  /** Length of the view. */
  length: number
  /** Length confirmed by a quorum; 0 while it is not known whether the caller's own records belong to it. */
  confirmed: number
  /** Blocks are missing here and are being downloaded; ask again on the next `entry.applied`. */
  missing: boolean
}

export interface Checkpoint {
  position: number
  chain: Buffer
}

export interface PeerStatus {
  noise: string
  identity: string | null
  /** When the connection came up, ms since 1970. */
  since: number
  /** True while a tunnel for this pact is open on the connection. */
  tunnel: boolean
}

export interface PactStatus {
  id: string
  alias: string
  name: string
  length: number
  confirmed: number
  /** Log blocks held on this machine from the start without a gap. */
  contiguous: number
  /** Everything linearised is on this machine and can be served without anyone else. */
  synced: boolean
  writable: boolean
  indexer: boolean
  indexers: { writer: string; identity: string | null; online: boolean; self: boolean }[]
  /** Plain words: what must happen before entries can be confirmed; empty when nothing. */
  waiting: string
  /** Plain words: that this machine was removed, and who says so; empty when nobody does. */
  removed: string
  /** Why the ledger stopped applying, with the cure; null when it runs. */
  interrupted: { reason: string; cure: string } | null
  /** The pact that this one carries on (`refound`), and how many of its entries stand here so far; null for a pact of its own. */
  refounds: { id: string; done: number; length: number } | null
  /** Ids of own entries that were lost when this machine was removed. */
  orphaned: string[]
  peers: PeerStatus[]
  charter: CharterState | null
  /** Digest of the rules of each ruled plugin here. */
  rules: Record<string, { protocol: number; digest: string }>
  health: { ok: boolean; problems: string[]; repairs: number }
}

export interface ChannelPeer {
  noise: string
  identity: string | null
  send(message: Buffer): boolean
}

export interface ChannelHandlers {
  onmessage(message: Buffer, peer: ChannelPeer): void
  /** A machine is connected and has the channel open too. Its identity may still be unknown here: its seat comes with the ledger. */
  onpeer?(peer: ChannelPeer): void
}

/** An ephemeral channel between the members of a pact that are connected right now. */
export interface Channel {
  peers(): ChannelPeer[]
  broadcast(message: Buffer): void
  close(): void
}

export interface Pact {
  /** 64 hex: a one-way id, safe to show; not the key. */
  readonly id: string
  alias: string
  readonly key: Buffer
  readonly encryptionKey: Buffer
  readonly writer: Buffer
  /** The pact's own store: whatever core is opened in it replicates with the members who have it open or hold it. */
  readonly cores: Corestore
  /** Number of records in the view. */
  readonly length: number
  readonly confirmed: number
  readonly closed: boolean

  /**
   * Signs and writes drafts: all or none reach the ledger, each with its own verdict. Resolves when every entry can be read.
   * @throws OpenPactError PAYLOAD_INVALID, PAYLOAD_TOO_LARGE, NOT_WRITABLE, MEMBER_REMOVED, PACT_INTERRUPTED, PACT_CLOSED, DISK_FULL …
   */
  append(drafts: Draft[], options?: AppendOptions): Promise<Receipt[]>
  /** The verdict and position of an own entry, or null; follows it over reorders while unconfirmed. */
  receipt(id: string): Receipt | null

  /** Own entries lost when this machine was removed, newest first: verdict `orphaned`, position -1. */
  orphans(): Promise<LogRecord[]>
  /** The record at a position, or null when it is not on this machine. */
  record(position: number): Promise<LogRecord | null>
  /** The same as the bytes that the log holds: what a backup keeps, and refounding carries over. */
  block(position: number): Promise<Buffer | null>
  /**
   * Compares a caller's checkpoints (newest first) with the log. Never waits for the network.
   * @param checkpoints positions → chains that the caller has stored; the newest that still matches is `common`
   */
  delta(checkpoints: Iterable<Checkpoint>, limit?: number): Promise<Delta>

  /** State of a ruled plugin, applied or confirmed. */
  state(plugin: string, at?: Until): RuleState
  charter(): Promise<CharterState | null>
  members(): Promise<Member[]>
  memberByNoise(noise: string, at?: Until): Promise<Member | null>
  agents(): Promise<LedgerAgent[]>
  agentByKey(key: string): Promise<LedgerAgent | null>
  /** Ledger time, ms. */
  time(): Promise<number>
  /**
   * Asks that ledger time passes `timestamp` soon after the clock does; any indexer's machine then writes a tick.
   * @param wanted for who needs the tick itself: asked at that moment, when no tick came since, even if ledger time has passed already
   */
  wakeAt(timestamp: number, wanted?: () => boolean): void

  channel(name: string, handlers: ChannelHandlers): Channel
  /**
   * The application with which a member must seat this device again, on a fresh writer core, because a power loss took the end of its own one
   * for good. Once that seat is confirmed the fresh core is used. Null when nothing was lost, and while the old core is an indexer's or has
   * entries that are not confirmed.
   */
  reseating(): Promise<Application | null>
  status(): Promise<PactStatus>
  /** Plain words: that this machine was removed, and who says so; empty when nobody does. */
  removal(): Promise<string>
  /** Resolves when everything linearised is on this machine, reporting progress. */
  download(progress?: (have: number, of: number) => void, signal?: AbortSignal): Promise<void>
}

export type { Author, Draft, LogRecord, Receipt, Until }
