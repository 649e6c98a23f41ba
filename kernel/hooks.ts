/**
 * Every hook point of OpenPact. A plugin taps one with `ctx.tap(name, fn)` in its `setup`; the host turns its static
 * declarations (entry types, rules) into taps on the same hooks. docs/plugins.md lists them, and a test compares the two.
 *
 * waterfall: each tap may change the value.  bail: the first answer that is not undefined ends it.
 * series: every tap is awaited, in order.  observe: every tap is called; a failing tap is named in the log and isolated.
 */
import type { Draft, LogRecord } from './ledger/entry.ts'
import type { Pact } from './pact.ts'
import type { RuleContext, RuledEntry, WritableRuleState } from './rules.ts'

/** Who is writing: the agent of this machine in whose name the entry will be signed. */
export interface Author {
  /** Name of the agent on this machine. */
  name: string
  /** Public key, 32 bytes. */
  key: Buffer
}

export interface HookMap {
  /** waterfall · May complete a draft before it is signed (defaults, `caused_by`). Runs on the writing machine only. */
  'entry.draft': (draft: Draft, context: { pact: Pact; author: Author }) => Draft | Promise<Draft>
  /** bail · May refuse locally, before signing, by throwing an OpenPactError (secrets, scopes of a token). */
  'append.authorise': (draft: Draft, context: { pact: Pact; author: Author }) => undefined | Promise<undefined>
  /** bail, consensus · In charter order: the first verdict other than undefined is the entry's. Filled from `rules.validate`. */
  'entry.validate': (entry: RuledEntry, context: RuleContext) => string | undefined | Promise<string | undefined>
  /** series, consensus · Writes state for an accepted entry. Filled from `rules.reduce`. */
  'entry.reduce': (entry: RuledEntry, context: RuleContext & { state: WritableRuleState }) => void | Promise<void>
  /** series · New records stand in this machine's view; the write that caused them is answered after all taps. */
  'entry.applied': (pact: Pact, records: LogRecord[]) => void | Promise<void>
  /** observe · Records from `position` on were taken out of the view by a reorder; their successors follow in `entry.applied`. */
  'entry.reverted': (pact: Pact, position: number) => void | Promise<void>
  /** observe · Every record below `length` is confirmed now and will never move. `pact.confirmed` may say so before the hook does. */
  'entry.confirmed': (pact: Pact, length: number) => void | Promise<void>
  /** series · A pact was opened and can be read. */
  'pact.opened': (pact: Pact) => void | Promise<void>
  /** series · A pact is about to close; what reads it must let go. */
  'pact.closed': (pact: Pact) => void | Promise<void>
  /** bail · May refuse a connection's tunnel to a pact by answering a reason. Runs after the kernel's own gate let it through. */
  'peer.admit': (pact: Pact, peer: { noise: Buffer }) => string | undefined | Promise<string | undefined>
  /** series · Every plugin is set up and every pact was opened. */
  'kernel.ready': () => void | Promise<void>
  /** series · The daemon is stopping; pacts are still open. */
  'kernel.closing': () => void | Promise<void>
}

export type HookName = keyof HookMap
export type HookKind = 'waterfall' | 'bail' | 'series' | 'observe'

export const hookKinds: Record<HookName, HookKind> = {
  'entry.draft': 'waterfall',
  'append.authorise': 'bail',
  'entry.validate': 'bail',
  'entry.reduce': 'series',
  'entry.applied': 'series',
  'entry.reverted': 'observe',
  'entry.confirmed': 'observe',
  'pact.opened': 'series',
  'pact.closed': 'series',
  'peer.admit': 'bail',
  'kernel.ready': 'series',
  'kernel.closing': 'series',
}
