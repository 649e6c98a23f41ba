/** Whole kernels with real plugins that meet over a private DHT in this process. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createTestnet from 'hyperdht/testnet.js'
import { recoverIdentity } from '../../kernel/identity/identity.ts'
import { type Kernel, type Pact, type PluginEntry, startKernel } from '../../kernel/index.ts'
import access from '../../plugins/access/index.ts'
import agents from '../../plugins/agents/index.ts'
import devices from '../../plugins/devices/index.ts'
import invites from '../../plugins/invites/index.ts'
import operationsPlugin from '../../plugins/operations/index.ts'
import { type Answer, operations } from '../../plugins/operations/service.ts'
import pacts from '../../plugins/pacts/index.ts'
import readModel from '../../plugins/read-model/index.ts'
import store from '../../plugins/store/index.ts'

/** What membership needs, and nothing that listens on a port. */
export const membership: PluginEntry[] = [
  ...[store, readModel, access, pacts, invites, devices, agents],
  { plugin: operationsPlugin, config: { check_output: true } },
]

/** A data directory whose daemon may run or not. */
export class Machine {
  readonly dataDir: string
  readonly #network: { bootstrap: { host: string; port: number }[]; bind: string }
  readonly #plugins: PluginEntry[]
  #kernel: Kernel | null = null

  constructor(dataDir: string, bootstrap: { host: string; port: number }[], plugins: PluginEntry[]) {
    this.dataDir = dataDir
    this.#network = { bootstrap, bind: '127.0.0.1' }
    this.#plugins = plugins
  }

  get kernel(): Kernel {
    if (!this.#kernel) throw new Error('this machine is off')
    return this.#kernel
  }

  /** The pact with an alias, `test` by default. */
  pact(alias = 'test'): Pact {
    return this.kernel.pacts.get(alias)
  }

  async start(): Promise<void> {
    this.#kernel = await startKernel({
      dataDir: this.dataDir,
      plugins: this.#plugins,
      network: this.#network,
      base: this.dataDir,
    })
  }

  async stop(): Promise<void> {
    const kernel = this.#kernel
    this.#kernel = null
    await kernel?.close()
  }

  /** Runs an operation as the main agent would. */
  async ask(name: string, input: object = {}, pact = 'test'): Promise<Answer> {
    const caller = { agent: this.kernel.identity.defaultAgent.name, pacts: null, operations: null }
    return this.kernel.use(operations).invoke(name, input, { caller, pact })
  }

  /** The output of an operation. */
  async get<T = Record<string, unknown>>(name: string, input: object = {}, pact = 'test'): Promise<T> {
    return (await this.ask(name, input, pact)).output as T
  }
}

export class Network {
  readonly root: string
  readonly #testnet: Awaited<ReturnType<typeof createTestnet>>
  readonly #machines: Machine[] = []
  readonly #plugins: PluginEntry[]

  private constructor(root: string, testnet: Awaited<ReturnType<typeof createTestnet>>, plugins: PluginEntry[]) {
    this.root = root
    this.#testnet = testnet
    this.#plugins = plugins
  }

  static async open(plugins: PluginEntry[] = membership): Promise<Network> {
    const root = await mkdtemp(join(tmpdir(), 'openpact-network-'))
    return new Network(root, await createTestnet(3), plugins)
  }

  get bootstrap(): { host: string; port: number }[] {
    return this.#testnet.bootstrap
  }

  /** A running machine. @param words 24 words of an identity that is to be the machine's */
  async machine({
    words,
    plugins = this.#plugins,
  }: {
    words?: string
    plugins?: PluginEntry[]
  } = {}): Promise<Machine> {
    const machine = new Machine(join(this.root, `m${this.#machines.length}`), this.bootstrap, plugins)
    this.#machines.push(machine)
    if (words !== undefined) await recoverIdentity(join(machine.dataDir, 'identity'), words)
    await machine.start()
    return machine
  }

  /** A running machine with a new pact called `test`. */
  async founder(options: { invites?: 'admin' | 'member'; words?: string } = {}): Promise<Machine> {
    const machine = await this.machine({ words: options.words })
    await machine.ask('pacts.create', { name: 'test', invites: options.invites })
    return machine
  }

  /** A running machine that was invited into the pact `test` of another. */
  async member(of: Machine, invite: object = {}): Promise<Machine> {
    const machine = await this.machine()
    const { token } = await of.get<{ token: string }>('invites.create', invite)
    await machine.ask('pacts.join', { token, alias: 'test' })
    return machine
  }

  async close(): Promise<void> {
    for (const machine of this.#machines) await machine.stop()
    await this.#testnet.destroy()
    await rm(this.root, { recursive: true, force: true })
  }
}

/** Resolves when `check` answers something that is true; looks every 20 ms. @throws Error after `timeout` ms */
export async function eventually<T>(check: () => T | Promise<T>, timeout = 15_000): Promise<NonNullable<T>> {
  const end = Date.now() + timeout
  for (;;) {
    const found = await check()
    if (found) return found as NonNullable<T>
    if (Date.now() > end) throw new Error(`still not so after ${timeout} ms: ${check}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
