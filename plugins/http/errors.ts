/** Error codes of the http plugin. */
import { defineErrors } from '../../kernel/index.ts'

export const httpErrors = defineErrors({
  PORT_TAKEN: {
    kind: 'conflict',
    message: 'Port {port} on {host} is taken by another program.',
    help: 'Stop that program, or choose another port with --port (0 takes any free one).',
  },
  PORT_UNUSABLE: {
    kind: 'unavailable',
    message: 'Port {port} on {host} cannot be used: {reason}.',
    help: 'Choose another port with --port (0 takes any free one).',
  },
  ROUTES_INVALID: {
    kind: 'internal',
    message: 'Some routes are declared wrongly:\n{reason}',
    help: 'Correct the named plugin, or take it out of the configuration.',
  },
  NOT_READY: {
    kind: 'unavailable',
    message: 'The daemon is still starting.',
    help: 'Try again in a moment; GET /v1/readyz answers 200 when it is ready.',
  },
  HOST_REFUSED: {
    kind: 'forbidden',
    message: 'The Host header is not the address of this daemon.',
    help: 'Call it as {url}, directly and from this machine.',
  },
  ORIGIN_REFUSED: {
    kind: 'forbidden',
    message: 'Web pages of another origin may not call this daemon.',
    help: 'Call it from a program, or from a page that this daemon itself serves.',
  },
  RATE_LIMITED: {
    kind: 'limited',
    message: 'Too many requests.',
    help: 'Wait {seconds} s before the next request; callers with a valid token have a far higher limit.',
  },
  ROUTE_UNKNOWN: {
    kind: 'missing',
    message: 'There is nothing at {method} {path}.',
    help: '{start}GET /v1/openapi.json describes every route.{near}',
  },
  METHOD_NOT_ALLOWED: {
    kind: 'invalid',
    message: '{method} is not possible here.',
    help: 'Use {allow}.',
  },
  CONTENT_TYPE_UNSUPPORTED: {
    kind: 'invalid',
    message: 'The body is not JSON.',
    help: 'Send the body as JSON with the header "Content-Type: application/json".',
  },
  BODY_MALFORMED: {
    kind: 'invalid',
    message: 'The body cannot be read as JSON: {reason}.',
    help: 'Send one JSON object in UTF-8.',
  },
  BODY_TOO_LARGE: {
    kind: 'too-large',
    message: 'The body is larger than {limit} bytes.',
    help: 'Send less at once, or store the content elsewhere and refer to it.',
  },
  REQUEST_MALFORMED: {
    kind: 'invalid',
    message: 'The request is not valid: {reason}.',
    help: 'Correct the request and send it again.',
  },
})
