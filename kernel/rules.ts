/**
 * Everything a rule may import (`openpact/rules`). A rule is consensus code: the same entry, state and charter must give the
 * same verdict on every machine. So: no clock, randomness, I/O, locale, or anything of this machine.
 */
import type { Ref } from './ledger/entry.ts'

export type { Ref } from './ledger/entry.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** The entry that is judged. `payload` is parsed for the rule's own types and undefined for all others. */
export interface RuledEntry<Payload = unknown> {
  readonly id: string
  readonly type: string
  readonly v: number
  readonly topic: string
  readonly timestamp: number
  readonly payload: Payload
  readonly refs: readonly Ref[]
  /** Hex of the agent's key. */
  readonly agent: string
  /** Hex of the identity that owns the writer and the agent. */
  readonly identity: string
  /** Hex of the writer's core key. */
  readonly writer: string
  readonly admin: boolean
}

/** The rule's own part of the `state` view: keys are prefixed per plugin, values are small JSON. */
export interface RuleState {
  get<T = Json>(key: string): Promise<T | null>
}
export interface WritableRuleState extends RuleState {
  put(key: string, value: unknown): Promise<void>
  delete(key: string): Promise<void>
}

export interface RuleContext<Settings = unknown> {
  /** What the charter says under this rule's `settings`. */
  readonly settings: Settings
  /** Ledger time in ms: the highest timestamp among indexers' entries. Leases and expiry compare with it alone. */
  readonly time: number
  /** Who may invite besides admins, as the charter says. */
  readonly invites: 'admin' | 'member'
  /** `doorTopic` of the pact, 32 bytes; for verifiers of admission proofs. */
  readonly door: Uint8Array
  readonly state: RuleState
  /** Whether an identity (hex) has a seat in this pact. */
  seated(identity: string): Promise<boolean>
}

/** Who asks to be seated, taken out of a `member.add` entry whose attestation the kernel has verified. */
export interface Applicant {
  /** Hex keys. */
  readonly identity: string
  readonly writer: string
  readonly noise: string
}

/** Judges the evidence in `member.add`. Answers a refusal code, or the role that the newcomer gets. */
export type AdmissionVerdict = { refuse: string } | { role: 'admin' | 'member' }

export interface Rules<Settings = unknown> {
  /** Raised whenever `validate`, `reduce` or `admit` would judge or write anything else than before. */
  protocol: number
  /** Settings that a new charter starts with. */
  defaults?: Settings
  /** Entry types whose payloads this rule reads. */
  types: readonly string[]
  /**
   * Answers a kebab-case refusal code, or undefined to accept. Called for the rule's own types, and for every other
   * member's entry when `judgesAll` is set (envelope only).
   */
  validate?(entry: RuledEntry, context: RuleContext<Settings>): Promise<string | undefined> | string | undefined
  /** Writes state for an accepted entry of the rule's own types. One put, two at most: they are the cost of an entry. */
  reduce?(entry: RuledEntry, context: RuleContext<Settings> & { state: WritableRuleState }): Promise<void> | void
  judgesAll?: boolean
  /** Whether `reduce` also runs for accepted entries that refounding carries over, so that the state goes on; no by default. */
  carries?: boolean
  /** Kinds of admission evidence this rule verifies, by `via.kind` of `member.add`. `reduce` for these is `admitted`. */
  admits?: Record<
    string,
    {
      verify(
        applicant: Applicant,
        evidence: Json,
        context: RuleContext<Settings>,
      ): Promise<AdmissionVerdict> | AdmissionVerdict
      admitted?(
        applicant: Applicant,
        evidence: Json,
        context: RuleContext<Settings> & { state: WritableRuleState },
      ): Promise<void> | void
    }
  >
}

/** Gives a rule its types. */
export function defineRules<Settings>(rules: Rules<Settings>): Rules<Settings> {
  return rules
}

/** True when `value` is a plain object: the first check of any payload in a rule. */
export function isRecord(value: unknown): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
