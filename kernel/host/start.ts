/** Composes a kernel: data directory, identity, plugins, ledger, network; and takes them down in reverse. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openIdentity } from '../identity/identity.ts'
import type { Kernel } from '../kernel.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { PactStore } from '../ledger/pacts.ts'
import type { PluginEntry } from '../plugin.ts'
import { type NetworkOptions, Replication } from '../replication/replication.ts'
import { openDataDir } from './data-dir.ts'
import { Hooks } from './hooks.ts'
import { PluginHost } from './host.ts'
import { type Log, openLog } from './log.ts'
import { near } from './near.ts'

export interface StartOptions {
  /** Made when it does not exist. One kernel at a time. */
  dataDir: string
  plugins: readonly PluginEntry[]
  /** `false` stays off the network. */
  network?: NetworkOptions | false
  log?: Log
  /** Called with words about what takes long. */
  onprogress?: (doing: string) => void
  /** Folder that plugin paths and packages are resolved from; the data directory by default. */
  base?: string
}

/** Version of the running package. */
export const version = readVersion()

/**
 * Starts a kernel with plugins and all pacts of the data directory.
 * @throws OpenPactError DATA_DIR_*, IDENTITY_UNREADABLE, PLUGINS_INVALID, PLUGIN_FAILED …; nothing is left running then
 */
export async function startKernel(options: StartOptions): Promise<Kernel> {
  const log = options.log ?? openLog({ level: 'error', streams: [process.stderr] })
  const undo: (() => Promise<void> | void)[] = []
  const closeAll = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const dir = await openDataDir(options.dataDir, {
      told: doing => {
        log.info(doing)
        options.onprogress?.(doing)
      },
    })
    undo.push(() => dir.release())
    const identity = await openIdentity(dir.identity)
    const hooks = new Hooks(log)
    const host = new PluginHost({ hooks, log })
    await host.load(options.plugins, { base: options.base ?? options.dataDir })

    const network = new Replication(identity, options.network ?? {}, log)
    undo.push(() => network.close())
    const pacts: PactStore = new PactStore(
      dir.pacts,
      {
        identity,
        rules: host.rules,
        log: log.child('kernel'),
        entryType: name => host.entryType(name),
        complete: (draft, context) =>
          hooks.used('entry.draft') ? hooks.call('entry.draft', draft, context) : Promise.resolve(draft),
        authorise: async (draft, context) => {
          if (hooks.used('append.authorise')) await hooks.call('append.authorise', draft, context)
        },
        applied: async (pact, records) => void (await hooks.call('entry.applied', pact, records)),
        reverted: async (pact, position) => void (await hooks.call('entry.reverted', pact, position)),
        confirmed: async (pact, length) => void (await hooks.call('entry.confirmed', pact, length)),
        refuses: async (pact, noise) =>
          hooks.used('peer.admit') ? hooks.call('peer.admit', pact, { noise }) : undefined,
        opened: async (pact: Ledger) => void (await hooks.call('pact.opened', pact)),
        closing: async (pact: Ledger) => void (await hooks.call('pact.closed', pact)),
        near,
      },
      network,
    )
    const kernel: Kernel = {
      version,
      dataDir: options.dataDir,
      identity,
      pacts,
      network,
      entryType: name => host.entryType(name),
      entryTypes: () => host.entryTypes(),
      plugins: () => host.status(),
      use: ref => host.use(ref),
      close: closeAll,
    }
    undo.push(() => host.close())
    await host.setup(kernel)
    // Pacts close while the plugins that read them are still there.
    undo.push(() => pacts.close())
    await pacts.openAll()
    undo.push(async () => void (await hooks.settle('kernel.closing')))
    await host.ready()
    await network.start()
    return kernel
  } catch (error) {
    await closeAll()
    throw error
  }
}

function readVersion(): string {
  // From source the package is two folders up, from dist three.
  for (let folder = dirname(fileURLToPath(import.meta.url)), i = 0; i < 5; i++, folder = dirname(folder)) {
    try {
      const card = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string }
      if (card.name === 'openpact' && card.version) return card.version
    } catch {
      // Not here: one folder up.
    }
  }
  return '0.0.0'
}
