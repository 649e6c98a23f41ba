/** One client: its server and transport, what it waits for, what it follows. */
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { RouteCall } from '../http/route.ts'
import type { Caller } from '../operations/operation.ts'
import { sendStream, sendWhole, webRequest } from './exchange.ts'

type Message = { id?: unknown; method?: unknown; params?: { requestId?: unknown } }

export class Session {
  readonly caller: Caller
  /** Alias or id of the pact that is meant where none is named; the active one if absent. */
  readonly pact: string | undefined
  #server: Server | null = null
  #refusal: (body: unknown) => object | null = () => null
  #transport: WebStandardStreamableHTTPServerTransport | null = null
  /** ms: end of the last request. */
  #used = Date.now()
  #running = 0
  #streaming = false
  #retired = false
  /** Ends what waits for the answer to a request that was taken back. */
  readonly #waiting = new Map<unknown, () => void>()
  /** Resources that changed while no stream was open. */
  readonly #missed = new Set<string>()

  constructor(caller: Caller, pact: string | undefined) {
    this.caller = caller
    this.pact = pact
  }

  /** ms of the last use; null while a request or a stream runs. */
  get idleSince(): number | null {
    return this.#running > 0 ? null : this.#used
  }

  /** @param refusal the whole answer to a request that is not to reach the server, or null */
  async connect(
    server: Server,
    transport: WebStandardStreamableHTTPServerTransport,
    refusal: (body: unknown) => object | null,
  ): Promise<void> {
    this.#server = server
    this.#refusal = refusal
    this.#transport = transport
    await server.connect(transport)
  }

  /** Tells the client that a resource is another one now: at once, or when it opens its stream. */
  changed(uri: string): void {
    if (this.#streaming) void this.#server?.sendResourceUpdated({ uri }).catch(() => {})
    else this.#missed.add(uri)
  }

  forget(uri: string): void {
    this.#missed.delete(uri)
  }

  async serve(call: RouteCall): Promise<unknown> {
    this.#running++
    try {
      return call.request.method === 'GET' ? await this.#stream(call) : await this.#answer(call)
    } finally {
      this.#running--
      this.#used = Date.now()
      if (this.#retired && this.#running === 0) await this.close()
    }
  }

  /** Its token ended: the stream ends now. What was asked before is answered, the new token of a rotation too; then it closes. */
  async retire(): Promise<void> {
    this.#retired = true
    this.#transport?.closeStandaloneSSEStream()
    if (this.#running === 0) await this.close()
  }

  async close(): Promise<void> {
    for (const end of this.#waiting.values()) end()
    await this.#server?.close()
  }

  async #answer({ request, reply, signal }: RouteCall): Promise<unknown> {
    const { body } = request
    const refused = this.#refusal(body)
    if (refused) return sendWhole(Response.json(refused), reply)
    this.#takeBack(body)
    const response = this.#transport!.handleRequest(webRequest(request), { parsedBody: body })
    // Nothing is answered to what was taken back, or when the session ends; the exchange ends all the same.
    const given = await this.#unless(body, signal, response)
    return given ? sendWhole(given, reply) : reply.code(202).send()
  }

  #unless(body: unknown, signal: AbortSignal, response: Promise<Response>): Promise<Response | null> {
    const id = (body as Message | undefined)?.id
    if (id === undefined) return response
    return new Promise((resolve, reject) => {
      const end = () => resolve(null)
      this.#waiting.set(id, end)
      signal.addEventListener('abort', end)
      response.then(resolve, reject).finally(() => {
        if (this.#waiting.get(id) === end) this.#waiting.delete(id)
        signal.removeEventListener('abort', end)
      })
    })
  }

  #takeBack(body: unknown): void {
    const { method, params } = (body ?? {}) as Message
    if (method === 'notifications/cancelled') this.#waiting.get(params?.requestId)?.()
  }

  async #stream({ request, reply, signal }: RouteCall): Promise<unknown> {
    const transport = this.#transport!
    const response = await transport.handleRequest(webRequest(request))
    if (!response.ok) return sendWhole(response, reply)
    const end = () => transport.closeStandaloneSSEStream()
    signal.addEventListener('abort', end)
    try {
      await sendStream(response, reply, () => this.#open())
    } finally {
      this.#streaming = false
      signal.removeEventListener('abort', end)
    }
  }

  #open(): void {
    this.#streaming = true
    const missed = [...this.#missed]
    this.#missed.clear()
    for (const uri of missed) this.changed(uri)
  }
}
