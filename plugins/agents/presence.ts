/**
 * Presence in one pact over its ephemeral channel: every machine says every 15 s which agents it serves, and at once to a machine
 * that it has not met. Who falls silent for 45 s, or whose connection ends, is offline.
 */
import type { Channel, ChannelPeer, Identity, Pact } from '../../kernel/index.ts'
import { decodeHeartbeat, encodeHeartbeat } from './heartbeat.ts'
import type { Sighting } from './service.ts'

export const BEAT_MS = 15_000
export const SILENCE_MS = 45_000
const MAX_REMEMBERED = 1000

interface Seen {
  identity: string
  /** Null until the machine has spoken: it is taken to serve every agent of its identity. */
  agents: Set<string> | null
  at: number
}

export class PactPresence {
  private readonly identity: Identity
  private readonly channel: Channel
  private readonly timer: NodeJS.Timeout
  /** By Noise key. */
  private readonly seen = new Map<string, Seen>()

  constructor(pact: Pact, identity: Identity) {
    this.identity = identity
    this.channel = pact.channel('presence', {
      onmessage: (message, peer) => this.hear(message, peer),
      onpeer: peer => void peer.send(this.message()),
    })
    this.timer = setInterval(() => this.announce(), BEAT_MS)
    this.timer.unref()
  }

  /** As the clock says, and when the agents of this machine changed. */
  announce(): void {
    this.channel.broadcast(this.message())
  }

  sighting(agent: { key: string; identity: string }, now = Date.now()): Sighting | null {
    if (this.identity.agents().some(own => own.key.toString('hex') === agent.key)) {
      return { device: this.identity.device.toString('hex'), online: true, last_seen: now }
    }
    const peers = this.channel.peers()
    for (const peer of peers) this.note(peer, now)
    let last: Sighting | null = null
    for (const [device, { identity, agents, at }] of this.seen) {
      if (identity !== agent.identity || !(agents?.has(agent.key) ?? true)) continue
      const online = now - at < SILENCE_MS && peers.some(peer => peer.noise === device)
      if (online) return { device, online, last_seen: at }
      if (!last || at > last.last_seen) last = { device, online, last_seen: at }
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
    this.remember(peer.noise, { identity: peer.identity, agents, at: Date.now() })
  }

  /** A machine is connected, whether or not it has spoken. */
  private note({ noise, identity }: ChannelPeer, now: number): void {
    if (identity !== null && !this.seen.has(noise)) this.remember(noise, { identity, agents: null, at: now })
  }

  private remember(noise: string, seen: Seen): void {
    this.seen.delete(noise)
    this.seen.set(noise, seen)
    const oldest = this.seen.keys().next().value
    if (this.seen.size > MAX_REMEMBERED && oldest !== undefined) this.seen.delete(oldest)
  }

  private message(): Buffer {
    return encodeHeartbeat(this.identity.agents().map(agent => agent.key))
  }
}
