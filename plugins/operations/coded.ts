/** Guarantees that what leaves an operation is a coded error. */
import { isOpenPactError, OpenPactError } from '../../kernel/index.ts'

/** SQLITE_FULL */
const SQLITE_FULL = 13

/** The error itself when it is coded; otherwise the code that fits, with the original as `cause`. */
export function coded(error: unknown, signal?: AbortSignal): OpenPactError {
  if (isOpenPactError(error)) return error
  if (signal?.aborted && isAbort(error, signal)) return new OpenPactError('CALL_ABORTED', {}, { cause: error })
  return new OpenPactError(diskFull(error) ? 'DISK_FULL' : 'INTERNAL', {}, { cause: error })
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}

function diskFull(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && at.code === 'ENOSPC') return true
    if ('errcode' in at && at.errcode === SQLITE_FULL) return true
  }
  return false
}
