/** Waiting with a limit. */

/** True when the promise was kept within `ms`. */
export async function withinTime(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(resolve, ms, false)
  })
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer))
}
