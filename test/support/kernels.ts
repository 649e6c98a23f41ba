/** Whole kernels in one process: real plugins, real stores. Joined by pipes here; over a real DHT in test/support/network.ts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { definePlugin, type Kernel, type PluginEntry, startKernel } from '../../kernel/index.ts'
import type { Ledger } from '../../kernel/ledger/ledger.ts'
import { applicationOf } from '../../kernel/ledger/seats.ts'
import { doorTopic } from '../../kernel/replication/topics.ts'
import { connect, openDoor, until } from './ledgers.ts'

/** Seats whoever a member vouches for, so that a test needs no door. */
export const openDoorPlugin = definePlugin({
  name: 'open-door',
  version: '0.0.0',
  api: 1,
  summary: 'admits in tests',
  rules: openDoor,
})

export interface TestKernel extends Kernel {
  /** The one pact of the group. */
  pact: Ledger
  /** Closes and starts again on the same data. */
  restart(): Promise<void>
}

export interface KernelGroup {
  kernels: TestKernel[]
  root: string
  dispose(): Promise<void>
}

/**
 * `count` kernels off the network with these plugins, all members of one pact called `test`; the first founded it and is its only indexer.
 * Join two with `connect(a.pact, b.pact)`.
 */
export async function kernels(count: number, plugins: PluginEntry[]): Promise<KernelGroup> {
  const root = await mkdtemp(join(tmpdir(), 'openpact-kernels-'))
  const all = await Promise.all(Array.from({ length: count }, (_, i) => testKernel(join(root, `k${i}`), plugins)))
  const [founder, ...others] = all as [TestKernel, ...TestKernel[]]
  await founder.pacts.create({ name: 'test', alias: 'test' })
  for (const other of others) await seat(founder, other)
  return {
    kernels: all,
    root,
    dispose: async () => {
      for (const kernel of all) await kernel.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

async function testKernel(dataDir: string, plugins: PluginEntry[]): Promise<TestKernel> {
  const start = () => startKernel({ dataDir, plugins: [...plugins, openDoorPlugin], network: false, base: dataDir })
  let kernel = await start()
  const self = {
    get version() {
      return kernel.version
    },
    dataDir,
    get identity() {
      return kernel.identity
    },
    get pacts() {
      return kernel.pacts
    },
    get network() {
      return kernel.network
    },
    get pact() {
      return kernel.pacts.get('test') as Ledger
    },
    entryType: (name: string) => kernel.entryType(name),
    entryTypes: () => kernel.entryTypes(),
    plugins: () => kernel.plugins(),
    use: <T>(ref: Parameters<Kernel['use']>[0]) => kernel.use(ref) as T,
    close: () => kernel.close(),
    restart: async () => {
      await kernel.close()
      kernel = await start()
    },
  }
  return self as TestKernel
}

async function seat(founder: TestKernel, kernel: TestKernel): Promise<void> {
  const { pact } = founder
  const { writer } = await kernel.pacts.prepare('00')
  const payload = { ...applicationOf(kernel.identity, doorTopic(pact.key), writer), via: { kind: 'test' } }
  await pact.append([{ type: 'member.add', payload }])
  await kernel.pacts.open('00', { key: pact.key, encryptionKey: pact.encryptionKey }, { alias: 'test' })
  const cut = connect(pact, kernel.pact)
  await until(kernel.pact, () => kernel.pact.base.writable)
  await cut()
}

export { connect, until }
