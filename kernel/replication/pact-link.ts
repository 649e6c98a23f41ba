/** One pact on the network: its tunnels over all connections, and its ephemeral channels. */
import { OpenPactError } from '../errors.ts'
import type { Channel, ChannelHandlers, PeerStatus } from '../pact.ts'
import type { Logger } from '../plugin.ts'
import type { PeerConnection } from './connection.ts'
import { EphemeralChannel } from './ephemeral.ts'
import type { Replicated } from './replicated.ts'
import { Tunnel } from './tunnel.ts'

/** What the ledger holds of a pact that was added. */
export interface PactLink {
  /** Cuts all tunnels and forgets the pact; the members' topic is left in the background. */
  remove(): Promise<void>
  /** Machines connected now that carry a tunnel or are seated. */
  peers(): PeerStatus[]
  /** @throws OpenPactError INVALID_INPUT when the pact has an open channel of that name */
  channel(name: string, handlers: ChannelHandlers): Channel
}

export class NetworkedPact implements PactLink {
  readonly pact: Replicated
  readonly #left: () => void
  readonly #lost: () => void
  readonly #log: Logger
  readonly #tunnels = new Map<PeerConnection, Tunnel>()
  readonly #channels = new Map<string, EphemeralChannel>()
  readonly #unwatch: () => void
  #removed = false

  /**
   * @param left told when the pact was removed, once
   * @param lost told when a tunnel ended
   */
  constructor(pact: Replicated, left: () => void, lost: () => void, log: Logger) {
    this.pact = pact
    this.#left = left
    this.#lost = lost
    this.#log = log
    this.#unwatch = pact.onChange(() => {
      for (const tunnel of this.#tunnels.values()) tunnel.check()
    })
  }

  get connected(): boolean {
    return [...this.#tunnels.values()].some(tunnel => tunnel.open)
  }

  /** Asks the gate about a new connection. Resolves when it has answered. */
  connect(peer: PeerConnection): Promise<void> {
    const tunnel = new Tunnel(peer, this.pact, open => {
      for (const channel of this.#channels.values()) open ? channel.attach(peer) : channel.detach(peer)
      if (!open) this.#lost()
    })
    this.#tunnels.set(peer, tunnel)
    return tunnel.check()
  }

  disconnect(peer: PeerConnection): void {
    this.#tunnels.get(peer)?.close()
    this.#tunnels.delete(peer)
  }

  peers(): PeerStatus[] {
    return [...this.#tunnels]
      .map(([peer, tunnel]) => ({
        noise: peer.noise.toString('hex'),
        identity: this.pact.identityOf(peer.noise),
        since: peer.since,
        tunnel: tunnel.open,
      }))
      .filter(({ identity, tunnel }) => tunnel || identity !== null)
  }

  channel(name: string, handlers: ChannelHandlers): Channel {
    if (this.#channels.has(name)) {
      throw new OpenPactError('INVALID_INPUT', { reason: `the channel "${name}" is open already` })
    }
    const forget = () => this.#channels.delete(name)
    const channel = new EphemeralChannel(this.pact, name, handlers, forget, this.#log)
    this.#channels.set(name, channel)
    for (const [peer, tunnel] of this.#tunnels) if (tunnel.open) channel.attach(peer)
    return channel
  }

  async remove(): Promise<void> {
    if (this.#removed) return
    this.#removed = true
    this.#unwatch()
    for (const peer of [...this.#tunnels.keys()]) this.disconnect(peer)
    for (const channel of [...this.#channels.values()]) channel.close()
    this.#left()
  }
}
