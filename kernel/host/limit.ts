/** Time limits for code that is not ours. */

/**
 * What `work` answers, or a rejection with `expired()` after `ms`. The work itself cannot be stopped from outside; what it
 * still answers or throws after the limit is dropped.
 */
export async function withLimit<T>(ms: number, expired: () => Error, work: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(expired()), ms)
  })
  try {
    return await Promise.race([(async () => work())(), limit])
  } finally {
    clearTimeout(timer)
  }
}

/** The message of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
