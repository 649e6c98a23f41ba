/** The rules installed on this machine, as the ledger calls them: the seam between ledger/ and host/. */
import type { RuleContext, RuledEntry, Rules, WritableRuleState } from '../rules.ts'
import { ACCEPTED } from './entry.ts'

export interface InstalledRule {
  plugin: string
  rules: Rules
  digest: string
}

export interface RuleSet {
  get(plugin: string): InstalledRule | null
  list(): InstalledRule[]
  /** Through the hook `entry.validate`, taps of this plugin only. Errors pass unchanged. */
  validate(plugin: string, entry: RuledEntry, context: RuleContext): string | undefined | Promise<string | undefined>
  /** Through the hook `entry.reduce`, taps of this plugin only. */
  reduce(plugin: string, entry: RuledEntry, context: RuleContext & { state: WritableRuleState }): void | Promise<void>
}

/** The plugin among `active` that owns an entry type, or null: then it is a data type here. */
export function ownerOf(rules: RuleSet, active: readonly { plugin: string }[], type: string): InstalledRule | null {
  for (const { plugin } of active) {
    const rule = rules.get(plugin)
    if (rule?.rules.types.includes(type)) return rule
  }
  return null
}

/** Verdict of an entry whose rule failed. */
export const PLUGIN_FAULT = 'plugin-fault'

const codePattern = /^[a-z][a-z0-9-]{0,62}$/

/** The code that a rule answered; one that answers anything else is at fault. */
export function refusalCode(answer: unknown): string {
  return typeof answer === 'string' && codePattern.test(answer) && answer !== ACCEPTED ? answer : PLUGIN_FAULT
}
