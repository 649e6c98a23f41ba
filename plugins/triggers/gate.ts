/** Whether a trigger may start another run now. */
import { DAY, type Trigger } from './definition.ts'
import { movedReason } from './executable.ts'
import type { Approval, Known } from './known.ts'
import type { Runs } from './runs.ts'

export interface Gate {
  state: 'broken' | 'paused' | 'unapproved' | 'failing' | 'limited'
  reason: string
  /** When it opens by itself, ms since 1970; null when somebody has to open it. */
  opens: number | null
  /** Runs that were asked for by hand pass. */
  byHand: boolean
}

/** Why it cannot run on this machine, or null. Looked at anew each time: what was approved may have been swapped meanwhile. */
export function faultOf({ fault, argv, folder, executable, cwd, id }: Trigger): string | null {
  if (fault !== null) return fault
  const moved = movedReason(argv[0]!, folder, { executable, cwd })
  return moved && `${moved}; \`openpact triggers approve ${id}\` looks again`
}

/** What holds it back, or null. */
export function gateOf(
  trigger: Trigger,
  known: Known,
  allPaused: boolean,
  approval: Approval | null,
  runs: Pick<Runs, 'starts'>,
  now: number,
): Gate | null {
  const { id, approve, hash, limits } = trigger
  const fault = faultOf(trigger)
  if (fault !== null) return { state: 'broken', reason: fault, opens: null, byHand: false }
  if (approve !== 'never' && approval?.hash !== hash) {
    const reason = `${approval ? 'changed since it was approved' : 'not approved yet'}: \`openpact triggers approve ${id}\``
    return { state: 'unapproved', reason, opens: null, byHand: false }
  }
  if (allPaused)
    return { state: 'paused', reason: 'all are paused: `openpact triggers resume --all`', opens: null, byHand: false }
  if (known.paused)
    return { state: 'paused', reason: `paused: \`openpact triggers resume ${id}\``, opens: null, byHand: true }
  if (known.open_until > now) {
    const reason = `${known.failures} runs in a row failed; tries again at ${iso(known.open_until)}, or after \`openpact triggers resume ${id}\``
    return { state: 'failing', reason, opens: known.open_until, byHand: true }
  }
  for (const [most, window] of [
    [limits.rate, limits.window],
    [limits.daily, DAY],
  ] as const) {
    const oldest = runs.starts(id, now - window, most)[most - 1]
    if (oldest === undefined) continue
    const opens = oldest + window
    return {
      state: 'limited',
      reason: `${most} runs in ${window / 1000} s are enough; goes on at ${iso(opens)}`,
      opens,
      byHand: true,
    }
  }
  return null
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
