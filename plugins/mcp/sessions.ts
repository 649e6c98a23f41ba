/** All sessions: begun by `initialize`, ended by their client, by silence, with their token, or with the daemon. */
import { randomUUID } from 'node:crypto'
import { OpenPactError } from '../../kernel/index.ts'
import type { RouteCall } from '../http/route.ts'
import type { Parts } from './parts.ts'
import type { Mcp } from './service.ts'
import { Session } from './session.ts'
import { Subscriptions } from './subscriptions.ts'

export interface Limits {
  /** Sessions at a time. */
  sessions: number
  /** ms without a request or an open stream after which a session ends. */
  idle: number
}

export class Sessions implements Mcp {
  readonly #parts: Parts
  readonly #limits: Limits
  readonly #byId = new Map<string, Session>()
  /** What stops waiting for the end of each session's token. */
  readonly #undo = new Map<string, () => void>()
  readonly #subscriptions: Subscriptions
  readonly #timer: NodeJS.Timeout

  constructor(parts: Parts, limits: Limits) {
    this.#parts = parts
    this.#limits = limits
    this.#subscriptions = new Subscriptions(parts)
    this.#timer = setInterval(() => this.sweep(), Math.min(limits.idle / 2, 60_000)).unref()
  }

  get size(): number {
    return this.#byId.size
  }

  async serve(call: RouteCall): Promise<unknown> {
    const id = call.request.headers['mcp-session-id']
    const session = typeof id === 'string' ? this.#find(id, call) : await this.#begin(call)
    return session.serve(call)
  }

  /** Ends the sessions that nobody uses any more. */
  sweep(now = Date.now()): void {
    for (const [id, { idleSince }] of this.#byId) {
      if (idleSince !== null && now - idleSince >= this.#limits.idle) void this.#end(id)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#subscriptions.close()
    await Promise.all([...this.#byId.keys()].map(id => this.#end(id)))
  }

  /** A session answers only the token that began it. @throws OpenPactError MCP_SESSION_UNKNOWN */
  #find(id: string, { caller }: RouteCall): Session {
    const session = this.#byId.get(id)
    if (session?.caller !== caller) throw new OpenPactError('MCP_SESSION_UNKNOWN')
    return session
  }

  /** @throws OpenPactError MCP_SESSION_MISSING, MCP_SESSIONS_FULL */
  async #begin({ request, caller }: RouteCall): Promise<Session> {
    const { method } = (request.body ?? {}) as { method?: unknown }
    if (request.method !== 'POST' || method !== 'initialize') throw new OpenPactError('MCP_SESSION_MISSING')
    this.#makeRoom()
    const { pact } = request.query as { pact?: unknown }
    const session = new Session(caller!, typeof pact === 'string' && pact !== '' ? pact : undefined)
    // Only now: loading the protocol costs more than most starts of the daemon should.
    const { openServer } = await import('./server.ts')
    await openServer(session, this.#parts, this.#subscriptions, {
      newId: randomUUID,
      begun: id => this.#begun(id, session),
      ended: id => void this.#end(id),
    })
    return session
  }

  /** The one that was idle for the longest goes. @throws OpenPactError MCP_SESSIONS_FULL */
  #makeRoom(): void {
    if (this.#byId.size < this.#limits.sessions) return
    let oldest: { id: string; since: number } | null = null
    for (const [id, { idleSince: since }] of this.#byId) {
      if (since !== null && (!oldest || since < oldest.since)) oldest = { id, since }
    }
    if (!oldest) throw new OpenPactError('MCP_SESSIONS_FULL', { limit: this.#limits.sessions })
    void this.#end(oldest.id)
  }

  #begun(id: string, session: Session): void {
    this.#byId.set(id, session)
    const undo = this.#parts.access.onEnd(session.caller, () => void this.#drop(id)?.retire())
    // Its token may have ended before.
    if (this.#byId.has(id)) this.#undo.set(id, undo)
  }

  async #end(id: string): Promise<void> {
    await this.#drop(id)?.close()
  }

  /** From now on nobody finds the session, and nothing is followed for it. */
  #drop(id: string): Session | undefined {
    const session = this.#byId.get(id)
    if (!session) return undefined
    this.#byId.delete(id)
    this.#undo.get(id)?.()
    this.#undo.delete(id)
    this.#subscriptions.drop(session)
    return session
  }
}
