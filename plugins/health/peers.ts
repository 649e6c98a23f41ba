/** Tells the other machines of a pact what runs here, and remembers what they tell, over the pact's ephemeral channel. */
import type { Channel, ChannelPeer, Pact } from '../../kernel/index.ts'
import { type About, decodeHello, encodeHello } from './hello.ts'

export interface KnownPeer extends About {
  noise: string
  identity: string | null
}

/** How often machines that are connected hear from this one, ms. */
const BEAT_MS = 15_000
/** How soon one that has just connected does, ms. */
const GREET_MS = 2000

export class PactPeers {
  private readonly pact: Pact
  private readonly version: string
  private readonly rules: About['rules']
  private readonly channel: Channel
  private readonly timer: NodeJS.Timeout
  /** By Noise key. */
  private readonly heard = new Map<string, About>()
  private beat = 0

  /** @param rules of this machine: they stay the same while it runs */
  constructor(pact: Pact, version: string, rules: About['rules']) {
    this.pact = pact
    this.version = version
    this.rules = rules
    this.channel = pact.channel('health', (message, peer) => this.hear(message, peer))
    this.timer = setInterval(() => this.tick(Date.now()), GREET_MS)
    this.timer.unref()
  }

  /** Machines that are connected now and have told about themselves. */
  known(): KnownPeer[] {
    return this.channel.peers().flatMap(({ noise, identity }) => {
      const about = this.heard.get(noise)
      return about ? { ...about, noise, identity } : []
    })
  }

  close(): void {
    clearInterval(this.timer)
    this.channel.close()
  }

  private hear(message: Buffer, peer: ChannelPeer): void {
    const hello = decodeHello(message)
    if (!hello) return
    const { ask, ...about } = hello
    this.heard.set(peer.noise, about)
    if (ask) peer.send(this.hello(false))
  }

  private tick(now: number): void {
    const peers = this.channel.peers()
    const here = new Set(peers.map(peer => peer.noise))
    // Who comes back may have been updated in the meantime.
    for (const noise of this.heard.keys()) if (!here.has(noise)) this.heard.delete(noise)
    const all = now - this.beat >= BEAT_MS
    if (all) this.beat = now
    for (const peer of peers) {
      const strange = !this.heard.has(peer.noise)
      if (all || strange) peer.send(this.hello(strange))
    }
  }

  private hello(ask: boolean): Buffer {
    const { length, confirmed } = this.pact
    return encodeHello({ version: this.version, rules: this.rules, length, confirmed, ask })
  }
}
