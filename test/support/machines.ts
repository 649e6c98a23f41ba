/** Devices with a network of their own on a private DHT in this process. For tests of kernel/replication alone. */
import { once } from 'node:events'
import crypto from 'hypercore-crypto'
import createTestnet from 'hyperdht/testnet.js'
import Hyperswarm, { type Connection, type PeerInfo } from 'hyperswarm'
import type { StrangerLimits } from '../../kernel/replication/connection.ts'
import type { PactLink } from '../../kernel/replication/pact-link.ts'
import { Replication } from '../../kernel/replication/replication.ts'
import { SmallPact } from './small-pact.ts'

interface KeyPair {
  publicKey: Buffer
  secretKey: Buffer
}

export interface Failure {
  message: string
  fields: object | undefined
}

export class Machine {
  readonly keyPair: KeyPair
  readonly network: Replication
  readonly failures: Failure[] = []
  readonly pacts = new Set<SmallPact>()

  constructor(
    bootstrap: { host: string; port: number }[],
    strangers: Partial<StrangerLimits> = {},
    keyPair: KeyPair = crypto.keyPair(),
  ) {
    this.keyPair = keyPair
    const keep = (message: string, fields?: object) => void this.failures.push({ message, fields })
    this.network = new Replication(
      { deviceKeyPair: this.keyPair },
      { bootstrap, bind: '127.0.0.1', strangers },
      { debug() {}, info() {}, warn: keep, error: keep },
    )
  }

  get noise(): Buffer {
    return this.keyPair.publicKey
  }
  get hex(): string {
    return this.noise.toString('hex')
  }

  /** Founds a pact, or opens one whose keys it was given. */
  async open(keys?: { key: Buffer; encryptionKey: Buffer }): Promise<{ pact: SmallPact; link: PactLink }> {
    const pact = await SmallPact.open(this.keyPair, keys)
    this.pacts.add(pact)
    return { pact, link: this.network.add(pact) }
  }

  async close(): Promise<void> {
    await this.network.close()
    for (const pact of this.pacts) await pact.close()
  }
}

export class Machines {
  readonly #testnet: Awaited<ReturnType<typeof createTestnet>>
  readonly #machines: Machine[] = []
  readonly #swarms: Hyperswarm[] = []

  private constructor(testnet: Awaited<ReturnType<typeof createTestnet>>) {
    this.#testnet = testnet
  }

  static async start(): Promise<Machines> {
    return new Machines(await createTestnet(3))
  }

  get bootstrap(): { host: string; port: number }[] {
    return this.#testnet.bootstrap
  }

  /** A machine that is online. */
  async machine(strangers: Partial<StrangerLimits> = {}, keyPair?: KeyPair): Promise<Machine> {
    const machine = this.offline(strangers, keyPair)
    await machine.network.start()
    return machine
  }

  /** A machine that goes online with `network.start()`. */
  offline(strangers: Partial<StrangerLimits> = {}, keyPair: KeyPair = crypto.keyPair()): Machine {
    const machine = new Machine(this.bootstrap, strangers, keyPair)
    this.#machines.push(machine)
    return machine
  }

  /** A connection to whoever serves `topic`, with nothing of OpenPact at this end: how an attacker speaks. */
  async raw(topic: Buffer, keyPair: KeyPair = crypto.keyPair()): Promise<Connection> {
    const swarm = new Hyperswarm({ keyPair, dht: this.#testnet.createNode({ firewalled: false }) })
    this.#swarms.push(swarm)
    swarm.on('connection', (conn: Connection, info: PeerInfo) => {
      conn.on('error', () => {})
      info.reconnect(false)
    })
    const connected = once(swarm, 'connection') as Promise<[Connection]>
    const discovery = swarm.join(topic, { server: false, client: true })
    // The other side may not have announced itself yet.
    while (swarm.connections.size === 0) await Promise.race([connected, discovery.refresh()])
    return (await connected)[0]
  }

  /** Whether a machine lets somebody with this key connect at all. */
  async admits(machine: Machine, keyPair: KeyPair = crypto.keyPair()): Promise<boolean> {
    const conn = this.#testnet.createNode({ firewalled: false }).connect(machine.noise, { keyPair })
    conn.on('error', () => {})
    const opened = await new Promise<boolean>(resolve => {
      conn.once('open', () => resolve(true))
      conn.once('close', () => resolve(false))
    })
    conn.destroy()
    return opened
  }

  async close(): Promise<void> {
    for (const swarm of this.#swarms) await swarm.destroy()
    for (const machine of this.#machines) await machine.close()
    await this.#testnet.destroy()
  }
}

/** A founded pact on one machine, and the same pact on another one that was admitted to it. */
export async function shared(a: Machine, b: Machine) {
  const ofA = await a.open()
  const ofB = await b.open(ofA.pact)
  await ofA.pact.admit(b.noise, ofB.pact.writer)
  return [ofA, ofB] as const
}

/** Lets two pacts exchange what they have without a network. Call the result to part them again. */
export function pipe(a: SmallPact, b: SmallPact): () => Promise<void> {
  const streams = [a.replicate(true), b.replicate(false)] as const
  const closed = streams.map(stream =>
    once(
      stream.on('error', () => {}),
      'close',
    ),
  )
  streams[0].pipe(streams[1]).pipe(streams[0])
  return async () => {
    for (const stream of streams) stream.destroy()
    await Promise.all(closed)
  }
}
