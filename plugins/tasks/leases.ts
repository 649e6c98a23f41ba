/** Leases as seen from this machine: how long one may be, and that ledger time moves on when one ends. */
import { OpenPactError, type Pact, type PluginContext } from '../../kernel/index.ts'
import { readModel } from '../read-model/service.ts'
import { longestLease } from './rules.ts'

/** 15 minutes, in ms: short enough that a crashed agent does not hold its task for long. */
const USUAL = 15 * 60_000

/**
 * What the charter says under the rule of tasks. Without the rule every claim would be accepted, so nothing must be written.
 * @throws OpenPactError TASKS_OFF
 */
export async function ruleSettings(pact: Pact): Promise<unknown> {
  const state = await pact.charter()
  const rule = state?.charter.rules.find(({ plugin }) => plugin === 'tasks')
  if (!rule) throw new OpenPactError('TASKS_OFF', { pact: pact.alias })
  return rule.settings
}

/**
 * The length of a lease, ms, and the timestamp it counts from: never before ledger time, so that a slow clock shortens nothing.
 * @throws OpenPactError TASKS_OFF
 */
export async function leaseOf(pact: Pact, wanted?: number): Promise<{ lease: number; timestamp?: number }> {
  const longest = longestLease(await ruleSettings(pact))
  const time = await pact.time()
  return { lease: wanted ?? Math.min(USUAL, longest), ...(time > Date.now() && { timestamp: time }) }
}

/**
 * Has a tick follow the end of each lease, of those found at the start as well: it moves ledger time, and tells `task.overdue`. Only the
 * next end is asked for; the tick brings a sync, and that the one after.
 */
export function watchLeases(ctx: PluginContext): void {
  const model = ctx.use(readModel)
  const asked = new Map<string, number>()
  const nextEnd = (pact: Pact) => {
    const row = model
      .prepare(`SELECT min(lease_until) AS at FROM tasks_task WHERE pact = ? AND status = 'claimed' AND overdue = 0`)
      .get(model.pactNo(pact))
    return (row?.at ?? null) as number | null
  }
  const ended = (pact: Pact) => {
    const at = pact.closed ? null : nextEnd(pact)
    return at !== null && at <= Date.now()
  }
  ctx.onClose(
    model.onSync(pact => {
      const at = nextEnd(pact)
      // One that ended is asked for again: this machine may have become an indexer since.
      if (at === null || (at === asked.get(pact.id) && Date.now() < at)) return
      asked.set(pact.id, at)
      pact.wakeAt(at, () => ended(pact))
    }),
  )
  // A claim refused after a long quiet time is good at the next try, once ledger time has caught up with our clock.
  ctx.tap('entry.applied', (pact, records) => {
    for (const { verdict, entry } of records) {
      if (verdict === 'clock-ahead' && entry && entry.timestamp <= Date.now()) pact.wakeAt(entry.timestamp)
    }
  })
}
