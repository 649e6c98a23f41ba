/** From entries of the configuration to plugins: loaded, of the right shape, configured by whoever names them. */
import { basename, dirname, join, resolve } from 'node:path'
import type { Plugin, PluginEntry, PluginSettings } from '../plugin.ts'
import { reasonOf } from './limit.ts'
import { createLoader, type Loader } from './loader.ts'
import { near } from './near.ts'
import { schemaFaults } from './schema.ts'
import { EntrySchema, shapeFaults } from './shape.ts'

/** A plugin of the configuration, with what the configuration says about it. */
export interface Listed {
  plugin: Plugin
  /** Where it comes from: the path or package as written, or the configuration that holds it. */
  source: string
  settings: Record<string, unknown>
  /** The configuration that has the last of these settings, or turned it off. */
  configured?: string
  optional: boolean
  off: boolean
  /** Why it could not be loaded; only for ones that are optional or off, others become a fault. */
  failure?: string
}

/** Something that keeps the daemon from starting, or an optional plugin from running. */
export interface Fault {
  plugin: string
  source: string
  reason: string
}

/** One entry on its way. */
interface Pending extends PluginSettings {
  /** Which configuration it stands in, in the order of their appearance: a later one lies over an earlier one. */
  layer: number
  /** That configuration in messages. */
  origin: string
  /** Where that configuration is, or would be: paths and packages are looked for from its folder. */
  file: string
  /** What to call the plugin while its name is not known. */
  label: string
}

/**
 * Loads what `entries` name. Of two plugins of one name, the one in the later configuration (`from`) replaces the other;
 * two in the same one are a fault. The order of entries within one configuration does not matter.
 * @param base folder that paths and packages are resolved from when an entry does not say `from`
 */
export async function resolvePlugins(
  entries: readonly PluginEntry[],
  base: string,
): Promise<{ listed: Listed[]; faults: Fault[] }> {
  const resolver = new Resolver(base)
  const pending = entries.flatMap(entry => resolver.read(entry))
  // Objects and paths first, then bare words: a word is the name of a listed plugin before it is a package.
  for (const entry of pending) if (typeof entry.plugin !== 'string') resolver.put(entry.plugin, entry, entry.origin)
  for (const entry of pending) if (isPath(entry.plugin)) await resolver.load(entry, entry.plugin)
  const words = pending.filter(entry => typeof entry.plugin === 'string' && !isPath(entry.plugin))
  const names: Pending[] = []
  for (const entry of words) if (!(await resolver.loadPackage(entry))) names.push(entry)
  for (const entry of names) resolver.configure(entry)
  return { listed: [...resolver.listed.values()].map(({ listed }) => listed), faults: resolver.faults }
}

class Resolver {
  readonly listed = new Map<string, { listed: Listed; layer: number }>()
  readonly faults: Fault[] = []
  readonly #base: string
  readonly #layers: string[] = []
  readonly #loaders = new Map<string, Promise<Loader>>()

  constructor(base: string) {
    this.#base = base
  }

  read(entry: PluginEntry): Pending[] {
    const long = typeof entry === 'object' && entry !== null && 'plugin' in entry
    const settings: PluginSettings = long ? entry : { plugin: entry }
    const { plugin, from = '' } = settings
    if (!this.#layers.includes(from)) this.#layers.push(from)
    const label = typeof plugin === 'string' ? plugin : nameOf(plugin)
    const origin = from === '' ? 'given in code' : basename(from)
    const file = from || join(this.#base, 'openpact.config.ts')
    const faults = schemaFaults(EntrySchema, settings)
    for (const reason of faults) this.faults.push({ plugin: label, source: origin, reason })
    return faults.length === 0 ? [{ ...settings, layer: this.#layers.indexOf(from), origin, file, label }] : []
  }

  /** Lists a loaded value, if it is a plugin. */
  put(value: unknown, entry: Pending, source: string): void {
    const faults = shapeFaults(value)
    if (faults.length > 0) {
      this.#refuse(entry, source, faults)
      return
    }
    const plugin = value as Plugin
    const known = this.listed.get(plugin.name)
    if (known?.layer === entry.layer) {
      const reason = `there are two plugins of this name; the other is from ${known.listed.source}`
      this.#refuse({ ...entry, label: plugin.name }, source, [reason])
    } else if (!known || known.layer < entry.layer) {
      const listed: Listed = { plugin, source, settings: {}, optional: false, off: false }
      settle(entry, listed)
      this.listed.set(plugin.name, { listed, layer: entry.layer })
    }
  }

  async load(entry: Pending, specifier: string): Promise<void> {
    try {
      const loader = await this.#loader(entry)
      const file = loader.find(specifier)
      // The whole path: who restored this machine from a backup does not remember it.
      const at = resolve(dirname(entry.file), specifier.replace(/^file:\/\//, ''))
      if (file === null) this.#refuse(entry, entry.label, [`no plugin is at ${at}. Put it back, ${leave(entry)}`])
      else this.put(await loader.load(file), entry, entry.label)
    } catch (error) {
      this.#refuse(entry, entry.label, [`it cannot be loaded: ${reasonOf(error)}`])
    }
  }

  /** Loads a package, unless the word is the name of a plugin. False when it is that, or no package either. */
  async loadPackage(entry: Pending): Promise<boolean> {
    const word = entry.plugin as string
    if (this.listed.has(word) || (await this.#loader(entry)).find(word) === null) return false
    await this.load(entry, word)
    return true
  }

  configure(entry: Pending): void {
    const known = this.listed.get(entry.label)
    if (known) settle(entry, known.listed)
    else {
      const hint = `${near(entry.label, this.listed.keys())} Install it in ${dirname(entry.file)}, ${leave(entry)}`
      this.#refuse(entry, entry.origin, [`no listed plugin and no installed package has this name.${hint}`])
    }
  }

  /** An optional plugin that cannot be loaded is listed all the same, so that status shows it; so is one that is off. */
  #refuse(entry: Pending, source: string, reasons: string[]): void {
    const { label, layer, optional = false, off = false } = entry
    if (!(optional || off) || this.listed.has(label)) {
      for (const reason of reasons) this.faults.push({ plugin: label, source, reason })
      return
    }
    const plugin: Plugin = { name: label, version: '', api: 1, summary: '' }
    const listed: Listed = { plugin, source, settings: {}, optional, off, failure: reasons.join('; ') }
    this.listed.set(label, { listed, layer })
  }

  #loader({ file }: Pending): Promise<Loader> {
    const known = this.#loaders.get(file) ?? createLoader(file)
    this.#loaders.set(file, known)
    return known
  }
}

function settle(entry: Pending, listed: Listed): void {
  listed.settings = { ...listed.settings, ...entry.config }
  if (entry.config || entry.off) listed.configured = entry.origin
  listed.optional = entry.optional ?? listed.optional
  listed.off = entry.off ?? listed.off
}

/** The other way out for a plugin that is missing. */
const leave = ({ from, origin }: Pending) => `or take it out of "plugins" (${from ?? origin}).`

function nameOf(value: unknown): string {
  const name = (value as { name?: unknown } | null | undefined)?.name
  return typeof name === 'string' ? name : 'an unnamed plugin'
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && /^(\.{0,2}[\\/]|[A-Za-z]:[\\/]|file:)/.test(value)
}
