/** Connects this device with others: one Hyperswarm, one dispatcher per connection, which pact and which door goes to whom. */
import { setTimeout as pause } from 'node:timers/promises'
import Hyperswarm, { type Connection, type PeerInfo } from 'hyperswarm'
import type { Network } from '../kernel.ts'
import type { Logger } from '../plugin.ts'
import { PeerConnection, type StrangerLimits, strangerLimits } from './connection.ts'
import { Door } from './door.ts'
import { NetworkedPact, type PactLink } from './pact-link.ts'
import type { Replicated } from './replicated.ts'
import { Search } from './search.ts'
import { type NetworkAddress, openSocket } from './socket.ts'
import { membersTopic } from './topics.ts'

/** ms that closing waits for the DHT. */
const LEAVE_LIMIT = 1_000
/** ms in which a removed machine is told so, and for which it is shut out then: long enough to cost it more than us. */
const FAREWELL = 2_000
const SHUT_OUT = 10_000

export interface NetworkOptions extends NetworkAddress {
  strangers?: Partial<StrangerLimits>
}

interface KeyPair {
  publicKey: Buffer
  secretKey: Buffer
}

export class Replication implements Network {
  readonly noise: Buffer
  readonly #keyPair: KeyPair
  readonly #options: NetworkOptions | false
  readonly #limits: StrangerLimits
  readonly #log: Logger
  readonly #peers = new Map<Connection, PeerConnection>()
  readonly #pacts = new Set<NetworkedPact>()
  readonly #doors = new Set<Door>()
  readonly #searches = new Set<Search>()
  /** Topics that are being left. */
  readonly #leaving = new Set<Promise<void>>()
  /** Noise keys (hex) that every pact here knows as removed, and that are not even answered for a while. */
  readonly #banned = new Set<string>()
  /** Those of them that are being told. */
  readonly #leavers = new WeakSet<PeerConnection>()
  #swarm: Hyperswarm | null = null

  /**
   * @param identity the device's key pair; its public key is the Noise key that others see
   * @param options false stays offline: pacts, topics and doors can be added and find nobody
   */
  constructor(identity: { deviceKeyPair: KeyPair }, options: NetworkOptions | false, log: Logger) {
    this.#keyPair = identity.deviceKeyPair
    this.noise = this.#keyPair.publicKey
    this.#options = options
    this.#limits = { ...strangerLimits, ...(options === false ? {} : options.strangers) }
    this.#log = log
  }

  /**
   * Goes online, with all that was added before.
   * @throws OpenPactError NETWORK_UNUSABLE when the address cannot be bound
   */
  async start(): Promise<void> {
    if (this.#options === false) return
    const firewall = (noise: Buffer) => this.#banned.has(noise.toString('hex'))
    const swarm = new Hyperswarm({ keyPair: this.#keyPair, dht: await openSocket(this.#options), firewall })
    swarm.on('connection', (conn: Connection, info: PeerInfo) => this.#connect(conn, info))
    this.#swarm = swarm
    for (const search of this.#searches) search.start(swarm)
  }

  get online(): boolean {
    return this.#swarm !== null
  }

  /** Replicates a pact with its members from now on, and looks for them. */
  add(pact: Replicated): PactLink {
    const topic = membersTopic(pact.key, pact.encryptionKey)
    const search = this.#search(topic, { server: true, client: true }, () => linked.connected)
    const left = () => {
      this.#pacts.delete(linked)
      for (const peer of this.#peers.values()) this.#review(peer)
      this.#endSearch(search)
    }
    const linked = new NetworkedPact(pact, left, () => linked.connected || search.hurry(), this.#log)
    this.#pacts.add(linked)
    this.#forgive(...this.#banned)
    for (const peer of this.#peers.values()) linked.connect(peer)
    return linked
  }

  announce(topic: Buffer, options: { server?: boolean; client?: boolean } = {}): () => Promise<void> {
    const { server = true, client = true } = options
    const met = () => [...this.#peers.values()].some(peer => peer.foundOn(topic))
    const search = this.#search(topic, { server, client }, () => !client || met())
    return async () => this.#endSearch(search)
  }

  door(protocol: string, topic: Buffer, handlers: Parameters<Network['door']>[2]): () => void {
    const door = new Door(protocol, topic, handlers, this.#log)
    this.#doors.add(door)
    for (const peer of this.#peers.values()) door.connect(peer)
    return () => {
      this.#doors.delete(door)
      door.close()
    }
  }

  status(): ReturnType<Network['status']> {
    const address = this.#swarm?.dht.address()
    const bootstrap = this.#options === false ? undefined : this.#options.bootstrap
    return {
      online: this.online,
      connections: this.#peers.size,
      strangers: this.#strangers().length,
      nodes: this.#swarm?.dht.nodes.length ?? 0,
      bootstrap: bootstrap?.map(({ host, port }) => `${host}:${port}`) ?? null,
      address: address ? `${address.host}:${address.port}` : null,
    }
  }

  /** Closes doors, tunnels and connections, leaves every topic. The pacts' stores may be closed afterwards. */
  async close(): Promise<void> {
    for (const door of this.#doors) door.close()
    this.#doors.clear()
    for (const pact of [...this.#pacts]) await pact.remove()
    for (const search of [...this.#searches]) this.#endSearch(search)
    for (const peer of this.#peers.values()) peer.destroy()
    const swarm = this.#swarm
    this.#swarm = null
    if (swarm === null) return
    const left = Promise.allSettled([...this.#leaving, swarm.destroy()])
    // A DHT that does not answer must not hold up the daemon. Without its socket all that is still asked fails at once.
    await Promise.race([left, pause(LEAVE_LIMIT, undefined, { ref: false })])
    await swarm.dht.destroy({ force: true })
    await left
  }

  #connect(conn: Connection, info: PeerInfo): void {
    const peer = new PeerConnection(conn, info, this.#limits, judged => this.#review(judged))
    this.#peers.set(conn, peer)
    conn.on('close', () => {
      this.#peers.delete(conn)
      for (const pact of this.#pacts) pact.disconnect(peer)
      for (const door of this.#doors) door.disconnect(peer)
      for (const search of this.#searches) if (peer.foundOn(search.topic)) search.hurry()
    })
    for (const door of this.#doors) door.connect(peer)
    // Who is a member takes a moment to find out; only then is a stranger counted as one.
    Promise.all([...this.#pacts].map(pact => pact.connect(peer))).then(() => this.#place(peer))
  }

  #place(peer: PeerConnection): void {
    if (!peer.stranger || this.#strangers().length < this.#limits.count) {
      peer.placed = true
      return
    }
    this.#log.debug('a stranger was turned away: too many at once', { noise: peer.noise })
    peer.destroy()
  }

  #strangers(): PeerConnection[] {
    return [...this.#peers.values()].filter(peer => peer.placed && peer.stranger && !peer.closed)
  }

  /** Shuts the machine out whose key every pact here knows as removed, once there was time to tell it. */
  #review(peer: PeerConnection): void {
    const pacts = [...this.#pacts]
    if (pacts.length === 0 || !pacts.every(({ pact }) => peer.standing(pact.id) === 'removed')) return
    if (this.#leavers.has(peer)) return
    this.#leavers.add(peer)
    setTimeout(() => {
      const noise = peer.noise.toString('hex')
      this.#banned.add(noise)
      peer.destroy()
      setTimeout(() => this.#forgive(noise), SHUT_OUT).unref()
    }, FAREWELL).unref()
  }

  /** A new pact may know somebody whom all others have removed. Hyperswarm remembers whom its firewall refused. */
  #forgive(...noise: string[]): void {
    for (const key of noise) {
      this.#banned.delete(key)
      this.#swarm?.peers.get(key)?.ban(false)
    }
  }

  #search(topic: Buffer, roles: { server: boolean; client: boolean }, satisfied: () => boolean): Search {
    const search = new Search(topic, roles, satisfied)
    this.#searches.add(search)
    if (this.#swarm !== null) search.start(this.#swarm)
    return search
  }

  #endSearch(search: Search): void {
    this.#searches.delete(search)
    const leaving = search
      .close()
      .catch(() => {})
      .finally(() => this.#leaving.delete(leaving))
    this.#leaving.add(leaving)
  }
}
