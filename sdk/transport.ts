/** Requests to a daemon: every failure coded, every wait limited, repeated only where repeating is safe. */
import { Deadline } from './deadline.ts'
import { failure, isOpenPactError, OpenPactError } from './errors.ts'

export interface Address {
  /** `http://127.0.0.1:<port>` */
  url: string
  token: string
}

/** Says where the daemon is now. @throws OpenPactError DAEMON_DOWN, TOKEN_UNREADABLE */
export type Locate = () => Promise<Address>

export interface Request {
  method: string
  /** From the root. */
  path: string
  query?: Record<string, unknown>
  body?: object
  headers?: Record<string, string>
  /** Whether sending it twice does what sending it once does. */
  repeatable: boolean
  /** ms, over all tries */
  timeout: number
  signal?: AbortSignal
}

/** Pauses before the second and later tries, ms. */
const PAUSES = [100, 300, 900]
/** Nothing of these was begun, so that anything may be sent again. */
const notBegun = new Set(['NOT_READY', 'CLOSING', 'RATE_LIMITED', 'DAEMON_DOWN'])

export class Transport {
  readonly #locate: Locate
  #address: Promise<Address> | null = null

  constructor(locate: Locate) {
    this.#locate = locate
  }

  /**
   * Sends a request until it is answered or may not be repeated.
   * @throws OpenPactError with the daemon's code, DAEMON_DOWN, DAEMON_UNREACHABLE, CALL_TIMEOUT; the reason of an aborted signal
   */
  async send(request: Request): Promise<unknown> {
    const deadline = new Deadline(`${request.method} ${request.path}`, request.timeout, request.signal)
    try {
      return await this.#until(deadline, request.repeatable, async () => {
        const response = await this.#fetch(request, deadline.signal)
        return this.#read(response)
      })
    } finally {
      deadline.release()
    }
  }

  /** Opens a stream of server-sent events. `signal` ends it; the time limit is for its beginning. */
  async open(request: Request & { signal: AbortSignal }): Promise<ReadableStream<Uint8Array>> {
    const deadline = new Deadline(`${request.method} ${request.path}`, request.timeout, request.signal)
    const stream = new AbortController()
    const end = () => stream.abort()
    deadline.signal.addEventListener('abort', end)
    request.signal.addEventListener('abort', end, { once: true })
    try {
      return await this.#until(deadline, true, async () => {
        const response = await this.#fetch(request, stream.signal)
        if (!response.ok) await this.#read(response)
        return response.body as ReadableStream<Uint8Array>
      })
    } finally {
      deadline.signal.removeEventListener('abort', end)
      deadline.release()
    }
  }

  async #until<T>(deadline: Deadline, repeatable: boolean, attempt: () => Promise<T>): Promise<T> {
    let renewed = false
    for (let tries = 0; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        deadline.check()
        if (!isOpenPactError(error)) throw error
        if (error.status === 401 && !renewed && (await this.#tokenChanged())) {
          renewed = true
          continue
        }
        const pause = this.#pauseBefore(error, tries, repeatable)
        if (pause === null || Date.now() + pause >= deadline.at) throw error
        await deadline.pause(pause)
      }
    }
  }

  /** How long to wait before the next try, ms; null when there must be none. */
  #pauseBefore(error: OpenPactError, tries: number, repeatable: boolean): number | null {
    const usual = PAUSES[tries] ?? null
    // The first try is still running: its answer comes, however long it takes.
    if (error.code === 'IDEMPOTENCY_KEY_RUNNING') return usual ?? 1000
    // Where none was running from the start, none will be in a moment.
    if (error.code === 'DAEMON_DOWN' && tries === 0) return null
    if (notBegun.has(error.code)) return usual
    if (error.code !== 'DAEMON_UNREACHABLE') return null
    return repeatable || refused(error.cause) ? usual : null
  }

  async #fetch({ method, path, query, body, headers }: Request, signal: AbortSignal): Promise<Response> {
    this.#address ??= this.#locate()
    let address: Address
    try {
      address = await this.#address
    } catch (error) {
      this.#address = null
      throw error
    }
    const { url, token } = address
    try {
      return await fetch(`${url}${path}${queryString(query)}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...headers,
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal,
      })
    } catch (cause) {
      throw this.#lost(url, cause)
    }
  }

  #lost(url: string, cause: unknown): OpenPactError {
    // It may have started again elsewhere.
    this.#address = null
    return failure('DAEMON_UNREACHABLE', { url, reason: reasonOf(cause) }, cause)
  }

  /** The token file may have been replaced meanwhile. */
  async #tokenChanged(): Promise<boolean> {
    const before = await this.#address
    this.#address = null
    const now = await this.#locate()
    this.#address = Promise.resolve(now)
    return now.token !== before?.token
  }

  async #read(response: Response): Promise<unknown> {
    const { status, url } = response
    const text = await response.text().catch(cause => {
      throw this.#lost(url, cause)
    })
    let body: unknown
    try {
      body = text === '' ? null : JSON.parse(text)
    } catch (cause) {
      throw failure('ANSWER_MALFORMED', { url, status }, cause)
    }
    if (response.ok) return body
    const { error: code, message, help } = (body ?? {}) as Record<string, unknown>
    if (typeof code !== 'string') throw failure('ANSWER_MALFORMED', { url, status })
    throw new OpenPactError({ code, message: String(message), help: String(help), status })
  }
}

/** Nothing was sent at all. Browsers do not say. */
function refused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error
  return cause instanceof Error ? String('code' in cause ? cause.code : cause.message) : message
}

function queryString(query: Record<string, unknown> = {}): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value]) if (item !== undefined) params.append(name, String(item))
  }
  const text = params.toString()
  return text && `?${text}`
}
