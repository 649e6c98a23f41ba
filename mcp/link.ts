/** One session with the daemon over HTTP: begun anew by itself when the daemon was restarted. */
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { BridgeError, type Failure, linesOf, type Message } from './messages.ts'

/** Where the daemon is, and how to be let in. */
export interface Target {
  /** `http://127.0.0.1:<port>` */
  url: string
  token: string | null
}

export interface LinkOptions {
  /** Asked at the start and whenever the daemon does not answer. @throws an error with code and help when it is not there */
  connect(): Target
  /** Alias or id of the pact that is meant where none is named. */
  pact?: string
  /** What the daemon says by itself. */
  heard(message: Message): void
}

/** ms until a stream that broke is opened again. */
const AGAIN = 1000

export class Link {
  readonly #options: LinkOptions
  readonly #agent = new Agent({ keepAlive: true })
  readonly #followed = new Set<string>()
  #target: Target | null = null
  #session: string | undefined
  #revision: string | undefined
  #opening: Message | null = null
  #renewing: Promise<void> | null = null
  #listening: AbortController | null = null

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** The answer to a request; null for what has none. @throws BridgeError, or what `connect` throws */
  async send(message: Message): Promise<Message | null> {
    if (message.method === 'initialize') {
      this.#opening = message
      return this.#begin()
    }
    const session = this.#session
    let answer: Message | null
    try {
      answer = await this.#post(message)
    } catch (error) {
      if (!this.#opening || !isLost(error)) throw error
      await this.#renew(session)
      answer = await this.#post(message)
    }
    this.#remember(message)
    return answer
  }

  async close(): Promise<void> {
    this.#listening?.abort()
    try {
      if (this.#session) (await this.#open('DELETE')).resume()
    } catch {
      // A daemon that is gone has no session to end.
    }
    this.#agent.destroy()
  }

  async #begin(): Promise<Message | null> {
    this.#session = undefined
    this.#revision = undefined
    this.#target = this.#options.connect()
    const answer = await this.#post(this.#opening!)
    const { protocolVersion } = (answer?.result ?? {}) as { protocolVersion?: string }
    this.#revision = protocolVersion
    return answer
  }

  /** After the daemon was away: the same session as far as the client can tell. Many requests may find out at once. */
  #renew(lost: string | undefined): Promise<void> {
    if (this.#session !== lost) return Promise.resolve()
    this.#renewing ??= (async () => {
      await this.#begin()
      await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' })
      this.#listen()
      for (const uri of this.#followed) {
        await this.#post({ jsonrpc: '2.0', id: `again ${uri}`, method: 'resources/subscribe', params: { uri } })
      }
    })().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  #remember({ method, params }: Message): void {
    if (method === 'notifications/initialized') this.#listen()
    if (method === 'resources/subscribe') this.#followed.add(String(params?.uri))
    if (method === 'resources/unsubscribe') this.#followed.delete(String(params?.uri))
  }

  async #post(message: Message): Promise<Message | null> {
    const response = await this.#open('POST', message)
    const text = await textOf(response)
    const status = response.statusCode ?? 0
    if (status >= 400) throw refusal(status, text)
    const id = response.headers['mcp-session-id']
    if (typeof id === 'string') this.#session = id
    return text === '' ? null : (JSON.parse(text) as Message)
  }

  /** Hears what the daemon says by itself, until the session ends. */
  #listen(): void {
    this.#listening?.abort()
    const ends = new AbortController()
    this.#listening = ends
    const session = this.#session
    const hear = async () => {
      const response = await this.#open('GET', undefined, ends.signal)
      if (response.statusCode !== 200) throw refusal(response.statusCode ?? 0, await textOf(response))
      for await (const line of linesOf(response)) {
        if (line.startsWith('data: ')) this.#options.heard(JSON.parse(line.slice(6)) as Message)
      }
    }
    const again = async () => {
      if (ends.signal.aborted) return
      await hear().catch(error => (isLost(error) ? this.#renew(session).catch(() => {}) : undefined))
      if (!ends.signal.aborted) setTimeout(again, AGAIN).unref()
    }
    void again()
  }

  async #open(method: string, message?: Message, signal?: AbortSignal): Promise<IncomingMessage> {
    this.#target ??= this.#options.connect()
    const { url, token } = this.#target
    const query = this.#options.pact === undefined ? '' : `?pact=${encodeURIComponent(this.#options.pact)}`
    const body = message === undefined ? undefined : Buffer.from(JSON.stringify(message))
    const headers: OutgoingHttpHeaders = { accept: 'application/json, text/event-stream' }
    if (token) headers.authorization = `Bearer ${token}`
    if (this.#session) headers['mcp-session-id'] = this.#session
    if (this.#revision) headers['mcp-protocol-version'] = this.#revision
    if (body) Object.assign(headers, { 'content-type': 'application/json', 'content-length': body.length })
    return new Promise((resolve, reject) => {
      const call = request(new URL(`/mcp${query}`, url), { method, headers, signal, agent: this.#agent }, resolve)
      call.on('error', cause => reject(unreachable(url, cause)))
      call.end(body)
    })
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}

/** Whether the session has to be begun anew: the daemon was restarted, or is gone. */
function isLost(error: unknown): boolean {
  return ['MCP_SESSION_UNKNOWN', 'DAEMON_UNREACHABLE'].includes((error as Failure).code)
}

function unreachable(url: string, { message, code }: NodeJS.ErrnoException): BridgeError {
  return new BridgeError({
    code: 'DAEMON_UNREACHABLE',
    message: `The daemon at ${url} does not answer: ${code ?? message}.`,
    help: 'Start it with `openpact start`; `openpact doctor` says what is wrong.',
  })
}

/** The daemon's own error, or what the transport says. */
function refusal(status: number, text: string): BridgeError {
  try {
    const { error, message, help } = JSON.parse(text) as Record<string, unknown>
    if (typeof error === 'string') return new BridgeError({ code: error, message: String(message), help: String(help) })
  } catch {
    // Not one of ours.
  }
  const message = `The daemon answered with status ${status}.`
  return new BridgeError({ code: `HTTP_${status}`, message, help: text.slice(0, 200) })
}
