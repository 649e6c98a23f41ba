/** From entries of the configuration to plugins: loaded, of the right shape, configured by whoever names them. */
import { basename, join } from 'node:path'
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
  optional: boolean
  off: boolean
  /** Why it cannot run; only for optional ones, others become a fault. */
  failure?: string
}

/** Something that keeps the daemon from starting, or an optional plugin from running. */
export interface Fault {
  plugin: string
  source: string
  reason: string
}

/** One entry on its way: `layer` is the configuration that it stands in. */
interface Pending extends PluginSettings {
  layer: string
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
  for (const entry of pending) if (typeof entry.plugin !== 'string') resolver.put(entry.plugin, entry)
  for (const entry of pending) if (isPath(entry.plugin)) await resolver.load(entry, entry.plugin)
  const words = pending.filter(entry => typeof entry.plugin === 'string' && !isPath(entry.plugin))
  for (const entry of words) if (!resolver.knows(entry)) await resolver.loadPackage(entry)
  for (const entry of words) resolver.configure(entry)
  return { listed: [...resolver.listed.values()].map(({ listed }) => listed), faults: resolver.faults }
}

class Resolver {
  readonly listed = new Map<string, { listed: Listed; layer: string }>()
  readonly faults: Fault[] = []
  readonly #base: string
  readonly #loaders = new Map<string, Promise<Loader>>()
  /** Packages that were loaded, by the word that names them. */
  readonly #packages = new Set<string>()

  constructor(base: string) {
    this.#base = base
  }

  read(entry: PluginEntry): Pending[] {
    const settings = asSettings(entry)
    const layer = settings.from ?? ''
    const source = layer ? basename(layer) : 'given in code'
    const faults = schemaFaults(EntrySchema, settings)
    const label = typeof settings.plugin === 'string' ? settings.plugin : nameOf(settings.plugin)
    for (const reason of faults) this.faults.push({ plugin: label, source, reason })
    return faults.length === 0 ? [{ ...settings, layer, label }] : []
  }

  knows(entry: Pending): boolean {
    return this.listed.has(entry.plugin as string)
  }

  /** Lists a loaded value, if it is a plugin. */
  put(value: unknown, entry: Pending): void {
    const written = typeof entry.plugin === 'string'
    const source = written ? entry.label : entry.layer ? basename(entry.layer) : 'given in code'
    const faults = shapeFaults(value)
    if (faults.length > 0) return this.#refuse(entry, source, faults)
    const plugin = value as Plugin
    const known = this.listed.get(plugin.name)
    if (known?.layer === entry.layer) {
      const reason = `there are two plugins of this name; the other is from ${known.listed.source}`
      return this.#refuse({ ...entry, label: plugin.name }, source, [reason])
    }
    const listed: Listed = { plugin, source, settings: {}, optional: false, off: false }
    apply(entry, listed)
    this.listed.set(plugin.name, { listed, layer: entry.layer })
  }

  async load(entry: Pending, specifier: string): Promise<void> {
    try {
      const loader = await this.#loader(entry)
      const file = loader.find(specifier)
      if (file === null) return this.#refuse(entry, entry.label, ['there is no such file'])
      this.put(await loader.load(file), entry)
    } catch (error) {
      this.#refuse(entry, entry.label, [`it cannot be loaded: ${reasonOf(error)}`])
    }
  }

  /** A word that no plugin found as a package is left for `configure`, which knows all names. */
  async loadPackage(entry: Pending): Promise<void> {
    const specifier = entry.plugin as string
    const loader = await this.#loader(entry)
    if (loader.find(specifier) === null) return
    this.#packages.add(`${entry.layer}\n${specifier}`)
    await this.load(entry, specifier)
  }

  configure(entry: Pending): void {
    const word = entry.plugin as string
    if (this.#packages.has(`${entry.layer}\n${word}`)) return
    const known = this.listed.get(word)
    if (known) return apply(entry, known.listed)
    const hint = near(word, this.listed.keys())
    this.#refuse(entry, entry.layer ? basename(entry.layer) : 'given in code', [
      `no listed plugin and no installed package has this name.${hint}`,
    ])
  }

  #refuse(entry: Pending, source: string, reasons: string[]): void {
    if (!entry.optional || this.listed.has(entry.label)) {
      for (const reason of reasons) this.faults.push({ plugin: entry.label, source, reason })
      return
    }
    const plugin: Plugin = { name: entry.label, version: '', api: 1, summary: '' }
    const listed: Listed = { plugin, source, settings: {}, optional: true, off: false, failure: reasons.join('; ') }
    this.listed.set(entry.label, { listed, layer: entry.layer })
  }

  #loader(entry: Pending): Promise<Loader> {
    const from = entry.layer || join(this.#base, 'openpact.config.ts')
    const known = this.#loaders.get(from) ?? createLoader(from)
    this.#loaders.set(from, known)
    return known
  }
}

function apply(entry: Pending, listed: Listed): void {
  listed.settings = { ...listed.settings, ...entry.config }
  listed.optional = entry.optional ?? listed.optional
  listed.off = entry.off ?? listed.off
}

function asSettings(entry: PluginEntry): PluginSettings {
  if (typeof entry !== 'object' || entry === null) return { plugin: entry }
  return 'plugin' in entry ? entry : { plugin: entry }
}

function nameOf(value: unknown): string {
  const name = (value as { name?: unknown } | null | undefined)?.name
  return typeof name === 'string' ? name : 'an unnamed plugin'
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && /^(\.{0,2}[\\/]|[A-Za-z]:[\\/]|file:)/.test(value)
}
