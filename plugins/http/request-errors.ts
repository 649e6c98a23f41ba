/** Gives every failure of a request its code: Fastify's own, those of Node's parser, and whatever a handler threw. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isOpenPactError, OpenPactError } from '../../kernel/index.ts'
import { coded } from '../operations/coded.ts'
import { problemHeaders, problemOf, statusOf } from './problem.ts'

/** The coded error for anything that Fastify or a handler threw. @param bodyLimit bytes */
export function requestError(error: unknown, bodyLimit: number): OpenPactError {
  if (isOpenPactError(error)) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new OpenPactError('BODY_TOO_LARGE', { limit: bodyLimit })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new OpenPactError('CONTENT_TYPE_UNSUPPORTED')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return malformed('its length is not what Content-Length says')
    case 'FST_ERR_BAD_URL':
      return malformed('its path cannot be decoded')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return malformed('a part of its path is too long')
    case 'ECONNRESET':
      return new OpenPactError('CALL_ABORTED', {}, { cause: error })
    default:
      return coded(error)
  }
}

function malformed(reason: string): OpenPactError {
  return new OpenPactError('REQUEST_MALFORMED', { reason })
}

/** Answers with an error before or beside Fastify. */
export function sendProblem(
  response: ServerResponse,
  error: OpenPactError,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(problemOf(error))
  response.writeHead(statusOf(error), {
    ...problemHeaders(error),
    ...headers,
    'content-length': Buffer.byteLength(body),
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/** Answers what Node's parser could not read as HTTP, and closes the connection. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [line, reason] = unreadable[error.code ?? ''] ?? ['400 Bad Request', 'it is not HTTP']
  const problem = { ...problemOf(malformed(reason)), status: Number(line.slice(0, 3)) }
  const body = JSON.stringify(problem)
  const headers = `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`
  socket.end(`HTTP/1.1 ${line}\r\n${headers}\r\n\r\n${body}`)
}

const unreadable: Record<string, [string, string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'it did not arrive in time'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'its headers are too large'],
}
