/** Tells the other machines of a pact what runs here, and remembers what they tell, over the pact's ephemeral channel. */
import type { Channel, ChannelPeer, Pact, PactStatus } from '../../kernel/index.ts'
import { type About, decodeHello, encodeHello } from './hello.ts'

export interface KnownPeer extends About {
  noise: string
  identity: string | null
}

/** How often machines that are connected hear from this one, ms. */
const BEAT_MS = 15_000
/** The same while the charter is on its way, ms: what a newcomer can judge is not known before. */
const SOON_MS = 1000

export class PactPeers {
  private readonly pact: Pact
  private readonly version: string
  private readonly rules: About['rules']
  private readonly channel: Channel
  private timer: NodeJS.Timeout | undefined
  private closed = false
  /** By Noise key. */
  private readonly heard = new Map<string, About>()

  /** @param rules of this machine: they stay the same while it runs */
  constructor(pact: Pact, version: string, rules: About['rules']) {
    this.pact = pact
    this.version = version
    this.rules = rules
    this.channel = pact.channel('health', {
      onmessage: (message, peer) => this.hear(message, peer),
      onpeer: peer => this.meet(peer),
    })
    this.plan(BEAT_MS)
  }

  /** Machines that are connected now and have told about themselves. */
  known(): KnownPeer[] {
    return this.channel.peers().flatMap(({ noise, identity }) => {
      const about = this.heard.get(noise)
      return about ? { ...about, noise, identity } : []
    })
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    this.channel.close()
  }

  private hear(message: Buffer, peer: ChannelPeer): void {
    const hello = decodeHello(message)
    if (!hello) return
    const { ask, ...about } = hello
    this.heard.set(peer.noise, about)
    if (ask) this.tell(peer, false)
  }

  private meet(peer: ChannelPeer): void {
    // Who comes back may have been updated in the meantime.
    this.heard.delete(peer.noise)
    this.tell(peer, true)
  }

  private plan(delay: number): void {
    clearTimeout(this.timer)
    if (!this.closed) this.timer = setTimeout(() => this.beat(), delay).unref()
  }

  private beat(): void {
    this.plan(BEAT_MS)
    const peers = this.channel.peers()
    const here = new Set(peers.map(peer => peer.noise))
    for (const noise of this.heard.keys()) if (!here.has(noise)) this.heard.delete(noise)
    for (const peer of peers) this.tell(peer, !this.heard.has(peer.noise))
  }

  private tell(peer: ChannelPeer, ask: boolean): void {
    const { version, rules, pact } = this
    const send = ({ charter, interrupted, length, confirmed }: PactStatus) => {
      if (charter) peer.send(encodeHello({ version, rules, judges: interrupted === null, length, confirmed, ask }))
      else this.plan(SOON_MS)
    }
    // A pact that closes while it is asked has nothing to tell.
    pact.status().then(send, () => {})
  }
}
