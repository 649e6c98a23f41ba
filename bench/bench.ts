/** What every phase is given: sizes, a place for data, a private network, daemons and bare Autobases that end with the bench. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type PrivateNetwork, startNetwork, TestDaemon, temporaryDirectory } from '../test/support/daemon.ts'
import { Client } from './client.ts'
import { RawPeer } from './raw-peer.ts'
import type { Report } from './report.ts'

export const pact = 'bench'

/** A daemon with a client of its own. */
export interface Ours {
  daemon: TestDaemon
  client: Client
}

export class Bench {
  readonly report: Report
  /** Smaller sizes and fewer repetitions: to see that the bench works, not to measure. */
  readonly quick: boolean
  readonly #directory: string
  readonly #network: PrivateNetwork
  readonly #ends: (() => Promise<void>)[] = []
  #count = 0

  private constructor(report: Report, quick: boolean, directory: string, network: PrivateNetwork) {
    this.report = report
    this.quick = quick
    this.#directory = directory
    this.#network = network
  }

  static async open(report: Report, quick: boolean): Promise<Bench> {
    return new Bench(report, quick, await temporaryDirectory(), await startNetwork())
  }

  get bootstrap(): string {
    return this.#network.bootstrap
  }

  /** A directory that does not exist yet. */
  directory(): string {
    return join(this.#directory, String(this.#count++))
  }

  /** A running daemon that has no pact. */
  async daemon(): Promise<Ours> {
    const daemon = await TestDaemon.start({ network: this.#network, dataDir: this.directory() })
    const client = new Client(daemon, pact)
    this.#ends.push(async () => {
      client.close()
      await daemon.stop()
    })
    return { daemon, client }
  }

  /** A running daemon with a new pact. */
  async founder(): Promise<Ours> {
    const ours = await this.daemon()
    await ours.client.daemonPost('/v1/pacts', { name: 'Bench', alias: pact })
    return ours
  }

  /** Brings a daemon into the pact of another; resolves when the join is answered. */
  async join(source: Ours, joiner: Ours): Promise<void> {
    const { token } = await source.client.post<{ token: string }>('/invites', {})
    await joiner.client.daemonPost('/v1/pacts/join', { token, alias: pact })
  }

  /** A process for a bare Autobase. */
  raw(): RawPeer {
    const raw = new RawPeer()
    this.#ends.push(() => raw.end())
    return raw
  }

  /** Ends what the last phase started. */
  async endPhase(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
  }

  async close(): Promise<void> {
    await this.endPhase()
    await this.#network.close()
    await rm(this.#directory, { recursive: true, force: true })
  }
}
