/** Guarantees that what leaves an operation is a coded error. */
import { isOpenPactError, OpenPactError, outOfSpace } from '../../kernel/index.ts'

/** The error itself when it is coded; otherwise the code that fits, with the original as `cause`. */
export function coded(error: unknown, signal?: AbortSignal): OpenPactError {
  if (isOpenPactError(error)) return error
  if (signal?.aborted && isAbort(error, signal)) return new OpenPactError('CALL_ABORTED', {}, { cause: error })
  return new OpenPactError(outOfSpace(error) ? 'DISK_FULL' : 'INTERNAL', {}, { cause: error })
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}

/** What went wrong and what to do, as sentences on one line: a message may end with what somebody else said. */
export function inFull({ message, help }: Pick<OpenPactError, 'message' | 'help'>): string {
  return `${message}${/[.!?:]$/.test(message) ? '' : '.'} ${help}`.trimEnd()
}
