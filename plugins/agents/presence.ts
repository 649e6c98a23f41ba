/**
 * Presence in one pact over its ephemeral channel: every machine says every 15 s which agents it serves, and at once to a machine
 * that it has not met. Who falls silent for 45 s, or whose connection ends, is offline.
 */
import type { Channel, ChannelPeer, Identity, Pact } from '../../kernel/index.ts'
import { decodeHeartbeat, encodeHeartbeat } from './heartbeat.ts'
import type { Sighting } from './service.ts'

export const BEAT_MS = 15_000
export const SILENCE_MS = 45_000
/** How soon a machine that has just connected is greeted. */
const GREET_MS = 500
const MAX_REMEMBERED = 1000

interface Seen {
  identity: string
  agents: Set<string>
  at: number
}

export class PactPresence {
  private readonly identity: Identity
  private readonly channel: Channel
  private readonly timer: NodeJS.Timeout
  /** By Noise key. */
  private readonly seen = new Map<string, Seen>()
  private greeted = new Set<string>()
  private beat = 0

  constructor(pact: Pact, identity: Identity) {
    this.identity = identity
    this.channel = pact.channel('presence', (message, peer) => this.hear(message, peer))
    this.timer = setInterval(() => this.tick(Date.now()), GREET_MS)
    this.timer.unref()
  }

  /** The agents of this machine changed. */
  announce(): void {
    this.channel.broadcast(this.message())
  }

  sighting(agent: { key: string; identity: string }, now = Date.now()): Sighting | null {
    if (this.identity.agents().some(own => own.key.toString('hex') === agent.key)) {
      return { device: this.identity.device.toString('hex'), online: true, last_seen: now }
    }
    let last: Sighting | null = null
    for (const peer of this.channel.peers()) {
      if (peer.identity !== agent.identity) continue
      const seen = this.seen.get(peer.noise)
      // A connected machine that has not spoken yet is taken to serve every agent of its identity.
      if (!seen) last ??= { device: peer.noise, online: true, last_seen: now }
      else if (seen.agents.has(agent.key) && now - seen.at < SILENCE_MS) {
        return { device: peer.noise, online: true, last_seen: seen.at }
      }
    }
    if (last) return last
    for (const [device, { identity, agents, at }] of this.seen) {
      if (identity !== agent.identity || !agents.has(agent.key)) continue
      if (!last || at > last.last_seen) last = { device, online: false, last_seen: at }
    }
    return last
  }

  close(): void {
    clearInterval(this.timer)
    this.channel.close()
  }

  private hear(message: Buffer, peer: ChannelPeer): void {
    const agents = decodeHeartbeat(message)
    if (!agents || peer.identity === null) return
    this.seen.delete(peer.noise)
    this.seen.set(peer.noise, { identity: peer.identity, agents, at: Date.now() })
    const oldest = this.seen.keys().next().value
    if (this.seen.size > MAX_REMEMBERED && oldest !== undefined) this.seen.delete(oldest)
    this.greet(peer)
  }

  private tick(now: number): void {
    const peers = this.channel.peers()
    if (now - this.beat >= BEAT_MS) {
      this.beat = now
      if (peers.length > 0) this.announce()
      this.greeted = new Set(peers.map(peer => peer.noise))
      return
    }
    const here = new Set(peers.map(peer => peer.noise))
    this.greeted = new Set([...this.greeted].filter(noise => here.has(noise)))
    for (const peer of peers) this.greet(peer)
  }

  private greet(peer: ChannelPeer): void {
    if (this.greeted.has(peer.noise)) return
    this.greeted.add(peer.noise)
    peer.send(this.message())
  }

  private message(): Buffer {
    return encodeHeartbeat(this.identity.agents().map(agent => agent.key))
  }
}
