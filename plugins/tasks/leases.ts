/** Leases as seen from this machine: how long one may be, and that ledger time moves on when one ends. */
import type { Pact, PluginContext } from '../../kernel/index.ts'
import { OpenPactError } from '../../kernel/index.ts'
import { type ReadModel, readModel } from '../read-model/service.ts'
import { longestLease } from './rules.ts'

/** 15 minutes, in ms: short enough that a crashed agent does not hold its task for long. */
const USUAL = 15 * 60_000

/**
 * The length of lease to ask for, ms.
 * @throws OpenPactError TASKS_OFF
 */
export async function leaseLength(pact: Pact, wanted: number | undefined): Promise<number> {
  const settings = await ruleSettings(pact)
  return wanted ?? Math.min(USUAL, longestLease(settings))
}

/**
 * What the charter says under this rule. Without the rule every claim would be accepted, so nothing is written.
 * @throws OpenPactError TASKS_OFF
 */
export async function ruleSettings(pact: Pact): Promise<unknown> {
  const state = await pact.charter()
  const rule = state?.charter.rules.find(({ plugin }) => plugin === 'tasks')
  if (!rule) throw new OpenPactError('TASKS_OFF', { pact: pact.alias })
  return rule.settings
}
