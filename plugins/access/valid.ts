/** For answers that take long: a request is let in once, and its token may end while it is answered. */
import { OpenPactError } from '../../kernel/index.ts'
import type { Caller } from '../operations/operation.ts'
import './errors.ts'
import type { Access } from './service.ts'

/**
 * Aborted when `signal` is, with its reason, and when the caller's token ends, with UNAUTHENTICATED. `release` lets go of both.
 */
export function whileValid(
  tokens: Pick<Access, 'onEnd'>,
  caller: Caller,
  signal: AbortSignal,
): { signal: AbortSignal; release: () => void } {
  const over = new AbortController()
  const gone = () => over.abort(signal.reason)
  if (signal.aborted) gone()
  else signal.addEventListener('abort', gone, { once: true })
  const forget = tokens.onEnd(caller, () => over.abort(new OpenPactError('UNAUTHENTICATED')))
  return {
    signal: over.signal,
    release: () => {
      forget()
      signal.removeEventListener('abort', gone)
    },
  }
}
