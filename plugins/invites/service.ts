/** Joining a pact by a token, and the ways of admission that other plugins may add (a new device, later a vote or a reputation). */
import { extensionPoint, type Pact, serviceRef, type Until } from '../../kernel/index.ts'
import type { Applicant, Json } from '../../kernel/rules.ts'
import type { DoorStatus } from './wire.ts'

/** One kind of evidence with which a newcomer asks for a seat. The verifier of the same `kind` sits in a rule (`admits`). */
export interface AdmissionKind {
  /** `via.kind` of `member.add`. */
  kind: string
  /** Its byte on the wire: 0 invites, 1 devices. */
  code: number
  /** First letters of its tokens. */
  prefix: string
  /** Length of what its tokens hold. */
  bytes: number
  /** Newcomer: where to knock (32 bytes), and a name (64 hex) under which a second try with the same token finds the first. */
  read(token: Buffer): { topic: Buffer; ticket: string }
  /** Newcomer: what to show at the door. */
  evidence(token: Buffer, applicant: Applicant): Buffer
  /**
   * Member: judges like the rule will, before anything is written. Total on any evidence.
   * @param now this machine's clock, ms
   */
  examine(evidence: Buffer, applicant: Applicant, pact: Pact, at: Until, now: number): Promise<Examined>
}

/** `via` goes into `member.add`. */
export type Examined = { via: { kind: string; [field: string]: Json } } | { refuse: DoorStatus; words: string }

export const admissionKindPoint = extensionPoint<AdmissionKind>('invites.admission-kind', k => k.kind)

/**
 * `connecting`: nobody reached yet. `asking`: reached, no answer yet. `pending`: a member answered that something must happen first.
 * `accepted`: seated, opening. `joined`: can be read. `refused`: for good.
 */
export type JoinState = 'connecting' | 'asking' | 'pending' | 'accepted' | 'joined' | 'refused'

/** One attempt to join. */
export interface JoinStatus {
  /** Names the attempt; the same token always gives the same one. */
  ticket: string
  alias: string | null
  state: JoinState
  /** Plain words: what is happening, or what must happen first. */
  words: string
  /** ms since 1970 */
  started: number
}

export interface JoinOptions {
  /** By default made of the pact's name. */
  alias?: string
  /** How long to wait, ms (60 000). */
  timeout?: number
  /** Ends the waiting, not the attempt. */
  signal?: AbortSignal
  onstatus?(status: JoinStatus): void
}

export interface Joining {
  /**
   * Joins the pact of a token. Resolves when this machine has its seat and can read. The attempt outlives a timeout and a restart
   * of the daemon; joining again with the same token goes on with it, and is a success when it has succeeded already.
   * @throws OpenPactError INVITE_MALFORMED, INVITE_UNKNOWN, INVITE_SPENT, INVITE_EXPIRED, INVITE_REVOKED, JOIN_REFUSED,
   * JOIN_CANCELLED, PACT_EXISTS, or JOIN_PENDING when time is over
   */
  join(token: string, options?: JoinOptions): Promise<Pact>
  /** Attempts that are under way. */
  list(): JoinStatus[]
  /** Gives an attempt up and drops what was prepared for it. False when there is none. */
  cancel(ticket: string): Promise<boolean>
}

export const joining = serviceRef<Joining>('joining', 1)
