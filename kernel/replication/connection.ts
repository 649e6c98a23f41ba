/** One connection to another machine: its muxer, what is known of the peer, and the limits of a stranger. */
import type { Connection, PeerInfo } from 'hyperswarm'
import Protomux from 'protomux'
import { harden } from './hardened.ts'
import type { Standing } from './replicated.ts'

/** What a connection may cost before it carries a tunnel or its key is known as a member's. */
export interface StrangerLimits {
  /** Such connections at the same time. */
  count: number
  /** Bytes it may send, framing included. */
  bytes: number
  /** ms until it is closed. */
  deadline: number
}

export const strangerLimits: StrangerLimits = { count: 8, bytes: 16 * 1024, deadline: 30_000 }

export class PeerConnection {
  /** The remote's Noise key, proven by the handshake. */
  readonly noise: Buffer
  readonly since = Date.now()
  readonly mux: Protomux
  readonly handshakeHash: Buffer
  readonly initiator: boolean
  /** False until every pact has said how the peer stands with it. */
  placed = false
  readonly #conn: Connection
  readonly #info: PeerInfo
  readonly #limits: StrangerLimits
  readonly #judged: (peer: PeerConnection) => void
  readonly #standings = new Map<string, Standing>()
  readonly #blockers = new Set<object>()
  #tunnels = 0
  #budget: number
  #deadline: NodeJS.Timeout | null = null

  /** @param judged told whenever a pact has said how the peer stands with it */
  constructor(conn: Connection, info: PeerInfo, limits: StrangerLimits, judged: (peer: PeerConnection) => void) {
    this.noise = conn.remotePublicKey
    this.handshakeHash = conn.handshakeHash
    this.initiator = conn.isInitiator
    this.#conn = conn
    this.#info = info
    this.#limits = limits
    this.#judged = judged
    this.#budget = limits.bytes
    conn.on('error', () => {})
    conn.on('close', () => this.#stopClock())
    // Counted below the muxer, so that one huge frame is never put together in memory.
    conn.rawStream.on('data', (data: Buffer) => this.#spend(data.byteLength))
    this.mux = harden(Protomux.from(conn))
    this.#review()
  }

  get closed(): boolean {
    return this.#conn.destroyed
  }

  /** Neither carries a tunnel nor belongs to a member of any pact here: limited. */
  get stranger(): boolean {
    return this.#tunnels === 0 && ![...this.#standings.values()].includes('member')
  }

  foundOn(topic: Buffer): boolean {
    return this.#info.topics.some(found => found.equals(topic))
  }

  standing(pact: string): Standing | null {
    return this.#standings.get(pact) ?? null
  }

  /** @param standing null when the pact is not open here any more */
  setStanding(pact: string, standing: Standing | null): void {
    if (standing === null) this.#standings.delete(pact)
    else this.#standings.set(pact, standing)
    this.#review()
    this.#judged(this)
  }

  countTunnel(by: 1 | -1): void {
    this.#tunnels += by
    this.#review()
  }

  /** A stranger that proved to hold a pact's key may send this much more: its admission chain. */
  grant(bytes: number): void {
    this.#budget += bytes
  }

  /** Stops reading from the remote until all who asked for it have resumed: backpressure of a tunnel's inner stream. */
  pause(blocker: object): void {
    this.#blockers.add(blocker)
    this.#conn.pause()
  }

  resume(blocker: object): void {
    if (this.#blockers.delete(blocker) && this.#blockers.size === 0) this.#conn.resume()
  }

  destroy(): void {
    this.#conn.destroy()
  }

  #spend(bytes: number): void {
    if (!this.stranger) return
    this.#budget -= bytes
    if (this.#budget < 0) this.destroy()
  }

  #review(): void {
    if (!this.stranger || this.closed) this.#stopClock()
    else if (this.#deadline === null) {
      this.#budget = this.#limits.bytes
      this.#deadline = setTimeout(() => this.destroy(), this.#limits.deadline)
    }
  }

  #stopClock(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline)
    this.#deadline = null
  }
}
