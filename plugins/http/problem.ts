/** Errors as `application/problem+json` (RFC 9457), with `error`, `message` and `help` beside for simple clients. */
import type { ErrorKind, OpenPactError } from '../../kernel/index.ts'

const statusOfKind: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  missing: 404,
  conflict: 409,
  'too-large': 413,
  unprocessable: 422,
  limited: 429,
  internal: 500,
  unavailable: 503,
  timeout: 504,
}

/** Codes for which HTTP has a status of its own. */
const statusOfCode: Record<string, number> = {
  METHOD_NOT_ALLOWED: 405,
  CONTENT_TYPE_UNSUPPORTED: 415,
}

export const problemType = 'application/problem+json; charset=utf-8'

export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  error: string
  message: string
  help: string
}

export function statusOf({ code, kind }: { code: string; kind: ErrorKind }): number {
  return statusOfCode[code] ?? statusOfKind[kind] ?? 500
}

/** What the caller is shown: nothing of `cause`, `details` or the stack. */
export function problemOf(error: OpenPactError): Problem {
  const { code, message, help } = error
  const status = statusOf(error)
  return {
    type: `urn:openpact:error:${code}`,
    title: titleOf(code),
    status,
    detail: message,
    error: code,
    message,
    help,
  }
}

/** Headers that belong to an error: when to come back, what is allowed, how to log in. */
export function problemHeaders(error: OpenPactError): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': problemType, 'cache-control': 'no-store' }
  const { seconds, allow } = error.details
  if (error.kind === 'limited') headers['retry-after'] = String(seconds ?? 1)
  if (error.code === 'NOT_READY') headers['retry-after'] = '1'
  if (error.code === 'METHOD_NOT_ALLOWED') headers.allow = String(allow)
  if (error.kind === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="openpact"'
  return headers
}

/** `TASK_NOT_OPEN` → `Task not open` */
export function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
