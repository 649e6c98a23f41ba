/** The one HTTP client of the command line: JSON requests and server-sent events, every failure coded. */
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { isOpenPactError, OpenPactError } from '../kernel/errors.ts'
import { type Failure, kindOf, RemoteFailure } from './errors.ts'

/**
 * A value as one part of a path.
 * @throws OpenPactError USAGE for those that a URL would take for a step in it, and so reach another operation
 */
export function pathPart(value: string): string {
  if (!['', '.', '..'].includes(value)) return encodeURIComponent(value)
  throw new OpenPactError('USAGE', { reason: `"${value}" names nothing`, hint: 'Give a name or an id.' })
}

export interface RequestOptions {
  query?: Record<string, unknown>
  body?: unknown
  headers?: OutgoingHttpHeaders
  /** ms without a byte from the daemon; 60 000. */
  timeout?: number
  signal?: AbortSignal
}

export interface Answer<T> {
  status: number
  body: T
}

export interface ServerEvent {
  id: string
  event: string
  data: string
}

export interface Connection {
  url: string
  token: string | null
  /** Where the reader of an error is sent. */
  log: string
  /** Whether a daemon is known to be there; one that a port alone names may never have been. */
  known?: boolean
  /** Called once when the daemon answers nothing at all for some seconds. */
  onsilence?: () => void
  /** ms between two questions whether it is there, while an answer is waited for; 2000. */
  probe?: number
}

/** Probes in a row without an answer for which a daemon counts as hanging. */
const PROBES = 15

/** A connection to one daemon. */
export class Client {
  readonly url: string
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.url = connection.url
    this.#connection = connection
  }

  get<T>(path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    return this.request('GET', path, options)
  }

  post<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<Answer<T>> {
    return this.request('POST', path, { ...options, body })
  }

  /**
   * One request and its parsed answer.
   * @throws RemoteFailure with the daemon's own code; OpenPactError DAEMON_UNREACHABLE, DAEMON_DOWN, INTERRUPTED
   */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const response = await this.#open(method, path, options)
    const status = response.statusCode ?? 0
    const text = await this.#text(response)
    const body = parse(text)
    if (status >= 400) throw new RemoteFailure(remoteFailure(status, body))
    return { status, body: body as T }
  }

  /** Events as they arrive, until the signal or the daemon ends it. */
  async *events(path: string, options: RequestOptions & { lastEventId?: string } = {}): AsyncGenerator<ServerEvent> {
    const headers: OutgoingHttpHeaders = { accept: 'text/event-stream' }
    if (options.lastEventId) headers['last-event-id'] = options.lastEventId
    const response = await this.#open('GET', path, { ...options, headers })
    if (response.statusCode !== 200) {
      throw new RemoteFailure(remoteFailure(response.statusCode ?? 0, parse(await this.#text(response))))
    }
    response.setEncoding('utf8')
    let buffered = ''
    try {
      for await (const chunk of response) {
        buffered += chunk
        const blocks = buffered.split('\n\n')
        buffered = blocks.pop() ?? ''
        for (const block of blocks) {
          const event = readEvent(block)
          if (event) yield event
        }
      }
    } catch (error) {
      if (!options.signal?.aborted) throw this.#unreachable(error)
    }
  }

  #open(method: string, path: string, options: RequestOptions): Promise<IncomingMessage> {
    const { token } = this.#connection
    const data = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body))
    const headers: OutgoingHttpHeaders = { ...options.headers }
    if (token) headers.authorization = `Bearer ${token}`
    if (data) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = data.length
    }
    return new Promise((resolve, reject) => {
      const target = new URL(path + queryString(options.query), this.url)
      const call = request(target, { method, headers, signal: options.signal, agent: false }, resolve)
      call.setTimeout(options.timeout ?? 60_000, () => call.destroy(new Error('no answer in time')))
      call.on('error', error => {
        reject(options.signal?.aborted ? new OpenPactError('INTERRUPTED') : this.#unreachable(error))
      })
      const unwatched = this.#watchFor(hanging => call.destroy(hanging))
      call.once('response', unwatched).once('close', unwatched)
      call.end(data)
    })
  }

  /**
   * An operation may wait as long as it was told to; a daemon that is there answers something else meanwhile. One that does not hangs.
   * @returns ends the watch
   */
  #watchFor(hangs: (error: Error) => void): () => void {
    const { probe = 2000, url, log, onsilence } = this.#connection
    let missed = 0
    const timer = setInterval(() => {
      if (missed === 1) onsilence?.()
      if (missed === PROBES) hangs(new OpenPactError('DAEMON_HANGS', { url, log, seconds: (probe * PROBES) / 1000 }))
      missed++
      const ask = request(new URL('/v1/ping', url), { agent: false, timeout: probe * PROBES }, answer => {
        answer.resume()
        missed = 0
      })
      ask.on('socket', socket => socket.unref()).on('timeout', () => ask.destroy())
      ask.on('error', () => {})
      ask.end()
    }, probe)
    return () => clearInterval(timer)
  }

  async #text(response: IncomingMessage): Promise<string> {
    response.setEncoding('utf8')
    let text = ''
    try {
      for await (const chunk of response) text += chunk
    } catch (error) {
      throw this.#unreachable(error)
    }
    return text
  }

  #unreachable(cause: unknown): OpenPactError {
    if (isOpenPactError(cause)) return cause as OpenPactError
    const { code, message } = cause as NodeJS.ErrnoException
    const { url, log, known = true } = this.#connection
    if (!known) return new OpenPactError('DAEMON_DOWN', { place: url }, { cause })
    return new OpenPactError('DAEMON_UNREACHABLE', { url, log, reason: code ?? message }, { cause })
  }
}

/** One block of a `text/event-stream`; null for comments and keep-alives. */
export function readEvent(block: string): ServerEvent | null {
  const event: ServerEvent = { id: '', event: 'message', data: '' }
  const data: string[] = []
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon < 1) continue
    const field = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'id') event.id = value
    else if (field === 'event') event.event = value
  }
  if (data.length === 0) return null
  event.data = data.join('\n')
  return event
}

function queryString(query: Record<string, unknown> | undefined): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined) params.append(name, typeof item === 'object' ? JSON.stringify(item) : String(item))
    }
  }
  const text = params.toString()
  return text ? `?${text}` : ''
}

function parse(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text
  }
}

function remoteFailure(status: number, body: unknown): Failure {
  const { error, message, help } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const code = typeof error === 'string' ? error : `HTTP_${status}`
  return {
    code,
    kind: kindOf(code, status),
    message: typeof message === 'string' ? message : `The daemon answered with status ${status}.`,
    help: code === 'UNAUTHENTICATED' && process.env.OPENPACT_TOKEN ? OWN_TOKEN : typeof help === 'string' ? help : '',
  }
}

/** The daemon's own words are for programs that speak HTTP. */
const OWN_TOKEN =
  'OPENPACT_TOKEN holds none that this daemon takes: it was revoked, rotated, ended, or is of another machine. Unset it, or make one with `openpact token issue`.'
