/** When a delivery is tried again. */

/** Seconds before each attempt, the first included: Standard Webhooks. */
export const SCHEDULE: readonly number[] = [
  0,
  5,
  5 * 60,
  30 * 60,
  2 * 3600,
  5 * 3600,
  10 * 3600,
  14 * 3600,
  20 * 3600,
  24 * 3600,
]

/** So much later at most, so that many receivers do not come back at the same moment. */
const JITTER = 0.1
const LONGEST_WISH_MS = 24 * 3600 * 1000

/**
 * ms until the next attempt, after `tries` that failed; null when there is none left.
 * @param wish ms that the receiver asked for (`Retry-After`)
 */
export function delayAfter(
  tries: number,
  wish: number | null,
  schedule = SCHEDULE,
  random: () => number = Math.random,
): number | null {
  const seconds = schedule[tries]
  if (seconds === undefined) return null
  const delay = seconds * 1000 * (1 + JITTER * random())
  return Math.max(delay, Math.min(wish ?? 0, LONGEST_WISH_MS))
}

/** How long a delivery may be under way in all, ms. */
export function lifetime(schedule = SCHEDULE): number {
  return schedule.reduce((sum, seconds) => sum + seconds, 0) * 1000 * (1 + JITTER)
}

/** ms that a `Retry-After` header asks for: seconds, or an HTTP date. */
export function retryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(ms) && ms > 0 ? ms : null
}
