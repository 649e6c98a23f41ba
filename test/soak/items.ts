/** What the soak writes: free notes, claims of slots, a bounded counter, entries that the rules always refuse. */
import type { Prng } from './prng.ts'

interface Marked {
  /** Unique in a run: an entry found twice or never asked for shows by it. */
  u: string
}
export type Item = Marked &
  (
    | { type: 'soak.note'; text: string }
    | { type: 'soak.claim' | 'soak.release'; slot: number }
    | { type: 'soak.count'; by: number }
    | { type: 'soak.deny' }
    | { type: 'soak.fault' }
  )

export const itemTypes = ['soak.note', 'soak.claim', 'soak.release', 'soak.count', 'soak.deny', 'soak.fault'] as const
const SLOTS = 4
/** The counter stays between 0 and this. */
export const CEILING = 12

export function randomItem(prng: Prng, u: string): Item {
  const type = prng.weighted([
    [50, 'soak.note'],
    [16, 'soak.claim'],
    [12, 'soak.release'],
    [14, 'soak.count'],
    [5, 'soak.deny'],
    [3, 'soak.fault'],
  ] as const)
  if (type === 'soak.note') return { type, u, text: 'x'.repeat(prng.int(0, prng.chance(0.1) ? 3000 : 60)) }
  if (type === 'soak.count') return { type, u, by: prng.int(-4, 6) }
  if (type === 'soak.deny' || type === 'soak.fault') return { type, u }
  return { type, u, slot: prng.int(1, SLOTS) }
}

/**
 * What the rules must come to, written a second time and without a ledger: the verdicts of a log and the state they leave.
 * Undefined for entries that are not the soak's.
 */
export function judgeAll(log: readonly { writer: string; item: Item | null }[]): {
  verdicts: (string | undefined)[]
  state: Record<string, unknown>
} {
  const holders = new Map<number, string>()
  let total: number | undefined
  const verdicts = log.map(({ writer, item }) => {
    switch (item?.type) {
      case 'soak.note':
        return 'accepted'
      case 'soak.deny':
        return 'denied'
      case 'soak.fault':
        return 'plugin-fault'
      case 'soak.claim':
        if (holders.has(item.slot)) return 'slot-taken'
        holders.set(item.slot, writer)
        return 'accepted'
      case 'soak.release':
        if (holders.get(item.slot) !== writer) return 'not-holder'
        holders.delete(item.slot)
        return 'accepted'
      case 'soak.count': {
        const next = (total ?? 0) + item.by
        if (next < 0 || next > CEILING) return 'out-of-bounds'
        total = next
        return 'accepted'
      }
    }
    return undefined
  })
  const state: Record<string, unknown> = {}
  for (const [slot, writer] of holders) state[`slot/${slot}`] = writer
  if (total !== undefined) state.total = total
  return { verdicts, state }
}
