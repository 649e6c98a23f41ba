/**
 * The local door: what every request passes before anything else looks at it, unknown routes and broken URLs included.
 * Host and Origin keep web pages out (DNS rebinding), the token says who calls, the rate limit how often.
 */
import type { IncomingMessage } from 'node:http'
import type { onRequestHookHandler } from 'fastify'
import { OpenPactError } from '../../kernel/index.ts'
import type { Access as Tokens } from '../access/service.ts'
import type { Access, Caller } from '../operations/operation.ts'
import type { RateLimit } from './rate-limit.ts'

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]']

export class Door {
  readonly #tokens: Tokens
  readonly #limit: RateLimit
  readonly #callers = new WeakMap<IncomingMessage, Caller>()
  #hosts: ReadonlySet<string> = new Set()
  #origins: ReadonlySet<string> = new Set()
  #url = ''

  constructor(tokens: Tokens, limit: RateLimit) {
    this.#tokens = tokens
    this.#limit = limit
  }

  /** Says which port is ours. Until then every request is refused. */
  open(url: string, port: number): void {
    this.#url = url
    this.#hosts = new Set(loopbackNames.flatMap(name => [name, `${name}:${port}`]))
    this.#origins = new Set(loopbackNames.map(name => (port === 80 ? `http://${name}` : `http://${name}:${port}`)))
  }

  /**
   * Lets a request in and remembers its caller.
   * @throws OpenPactError HOST_REFUSED, ORIGIN_REFUSED, RATE_LIMITED
   */
  admit(request: IncomingMessage): void {
    const { host, origin, authorization } = request.headers
    if (!host || !(this.#hosts.has(host) || this.#hosts.has(host.toLowerCase()))) {
      throw new OpenPactError('HOST_REFUSED', { url: this.#url })
    }
    if (origin !== undefined && !this.#origins.has(origin)) throw new OpenPactError('ORIGIN_REFUSED')
    const token = authorization === undefined ? null : bearer(authorization)
    const caller = token === null ? null : this.#tokens.identify(token)
    const wait = this.#limit.take(caller, request.socket.remoteAddress ?? '', performance.now())
    if (wait > 0) throw new OpenPactError('RATE_LIMITED', { seconds: Math.ceil(wait) })
    if (caller) this.#callers.set(request, caller)
  }

  /** Turns callers without a valid token away before their body is read. */
  knock(access: Access): onRequestHookHandler {
    return ({ raw }, _reply, done) => {
      const stranger = access !== 'open' && !this.#callers.has(raw)
      done(stranger ? new OpenPactError('UNAUTHENTICATED') : undefined)
    }
  }

  /** Null for a caller without a valid token, and for anything that did not come through the door. */
  caller(request: IncomingMessage): Caller | null {
    return this.#callers.get(request) ?? null
  }
}

/** The token of an `Authorization` header; the scheme's case does not matter (RFC 9110). */
function bearer(header: string): string | null {
  return header.length <= 1024 && header.slice(0, 7).toLowerCase() === 'bearer ' ? header.slice(7).trim() : null
}
