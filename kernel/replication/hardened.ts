/** Keeps what a remote sends from ending this process. */
import type Protomux from 'protomux'

interface MuxInternals {
  _safeDestroy(error: Error): void
  _safeDestroyBound(error: Error): void
  _warn(error: Error): void
}

/**
 * Protomux passes every failure on through `safety-catch`, which throws TypeError, RangeError and the like again where nobody can
 * catch them. One frame of nested batches overflows the stack in its decoder, so this is within any stranger's reach. With this
 * mend a failure ends the connection and nothing else. Checked against protomux 3.12.1; hardened.test.ts fails without it.
 */
export function harden(mux: Protomux): Protomux {
  const destroy = (error: Error) => mux.destroy(error)
  const mends: MuxInternals = { _safeDestroy: destroy, _safeDestroyBound: destroy, _warn: () => {} }
  return Object.assign(mux, mends)
}

/** Runs a handler of remote input; whatever it throws or rejects with goes to `failed` and no further. */
export function guarded(run: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = run()
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}
