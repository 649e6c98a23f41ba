/** What the running plugins declare, looked up by name: hot paths ask here for every entry. */
import type { PluginStatus } from '../kernel.ts'
import type { InstalledRule } from '../ledger/rule-set.ts'
import type { EntryType, ExtensionPoint, Plugin } from '../plugin.ts'
import type { Rules } from '../rules.ts'
import { serviceId } from './check.ts'
import { rulesDigest } from './digest.ts'

export class Declared {
  readonly entryTypes: ReadonlyMap<string, EntryType & { plugin: string }>
  readonly rules: ReadonlyMap<string, InstalledRule>
  readonly #contributions = new Map<string, { plugin: string; value: unknown }[]>()

  /** @param plugins in the order of their setup */
  constructor(plugins: readonly Plugin[]) {
    const types = plugins.flatMap(plugin => (plugin.entryTypes ?? []).map(type => ({ ...type, plugin: plugin.name })))
    this.entryTypes = new Map(types.map(type => [type.name, type]))
    this.rules = new Map(plugins.flatMap(plugin => installed(plugin) ?? []).map(rule => [rule.plugin, rule]))
    for (const plugin of plugins) {
      for (const { point, value } of plugin.contributes ?? []) {
        const known = this.#contributions.get(point) ?? []
        this.#contributions.set(point, [...known, { plugin: plugin.name, value }])
      }
    }
  }

  contributions<T>(point: ExtensionPoint<T>): { plugin: string; value: T }[] {
    return [...(this.#contributions.get(point.id) ?? [])] as { plugin: string; value: T }[]
  }
}

/** A plugin's declaration as `openpact plugins` shows it. */
export function describe(plugin: Plugin): Omit<PluginStatus, 'source' | 'state' | 'error'> {
  const rule = installed(plugin)
  const { protocol = 0, types = [], defaults = {} } = rule?.rules ?? {}
  return {
    name: plugin.name,
    version: plugin.version,
    summary: plugin.summary,
    requires: (plugin.requires ?? []).map(serviceId),
    provides: (plugin.provides ?? []).map(serviceId),
    entryTypes: (plugin.entryTypes ?? []).map(type => type.name),
    words: Object.fromEntries((plugin.entryTypes ?? []).flatMap(({ name, words }) => (words ? [[name, words]] : []))),
    contributions: (plugin.contributes ?? []).map(({ point, id }) => ({ point, id })),
    rules: rule && { protocol, digest: rule.digest, types: [...types], defaults },
  }
}

function installed(plugin: Plugin): InstalledRule | null {
  const digest = rulesDigest(plugin)
  return digest === null ? null : { plugin: plugin.name, rules: plugin.rules as Rules, digest }
}
