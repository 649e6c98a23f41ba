/** The plugin contract. A plugin is data (what it offers) and one `setup` function (what it does). */
import type { HookMap, HookName } from './hooks.ts'
import type { Static, TSchema } from './json-schema.ts'
import type { Kernel } from './kernel.ts'
import type { Rules } from './rules.ts'

/** A service by value: other plugins require and use it through this reference. Matched by id and major version. */
export interface ServiceRef<T> {
  readonly id: string
  readonly major: number
  /** Carries the type only. */
  readonly type?: T
}

/** Names a service, e.g. `serviceRef<ReadModel>('read-model', 1)`. */
export function serviceRef<T>(id: string, major: number): ServiceRef<T> {
  return { id, major }
}

/** A place where plugins contribute values; opened by one plugin. `key` gives a contribution's id, unique per point. */
export interface ExtensionPoint<T> {
  readonly id: string
  readonly key: (value: T) => string
}

/** Opens an extension point, e.g. `extensionPoint<Operation>('operations.operation', o => o.name)`. */
export function extensionPoint<T>(id: string, key: (value: T) => string): ExtensionPoint<T> {
  return { id, key }
}

/** One value contributed to one point. Made by `operation()`, `table()`, `route()` and the like. */
export interface Contribution<T = unknown> {
  readonly point: string
  readonly id: string
  readonly value: T
}

/** Makes a contribution. */
export function contribute<T>(point: ExtensionPoint<T>, value: T): Contribution<T> {
  return { point: point.id, id: point.key(value), value }
}

/** A type of entry that the plugin owns. `payload` is checked before signing and again when indexed. */
export interface EntryType {
  name: string
  /** Version of the payload; changes are additive. */
  v: number
  payload: TSchema
  summary: string
  /** An entry of it on one line for people: `{field}` and `{field.field}` stand for what the payload says. Field by field when absent. */
  words?: string
}

export interface Logger {
  debug(message: string, fields?: object): void
  info(message: string, fields?: object): void
  warn(message: string, fields?: object): void
  error(message: string, fields?: object): void
}

/** What `setup` gets. Every registration made through it is undone when the plugin is disposed. */
export interface PluginContext<Config = unknown> {
  readonly plugin: string
  readonly config: Config
  readonly log: Logger
  readonly kernel: Kernel
  /** Aborted when the plugin is disposed. */
  readonly signal: AbortSignal
  /** Offers a service named in `provides`. */
  provide<T>(ref: ServiceRef<T>, implementation: T): void
  /** A service named in `requires`. @throws OpenPactError SERVICE_MISSING */
  use<T>(ref: ServiceRef<T>): T
  /** All contributions to a point, in plugin order; complete before any `setup` runs. */
  contributions<T>(point: ExtensionPoint<T>): { plugin: string; value: T }[]
  /** Taps a hook. `order` is a bucket, not a number. @throws OpenPactError HOOK_UNKNOWN, HOOKS_FROZEN after ready */
  tap<N extends HookName>(hook: N, fn: HookMap[N], options?: { order?: 'pre' | 'post' }): void
  /** Runs at disposal, in reverse order of registration. */
  onClose(fn: () => void | Promise<void>): void
}

export interface Plugin<ConfigSchema extends TSchema = TSchema> {
  /** Kebab-case, unique. */
  name: string
  version: string
  /** Version of this contract. */
  api: 1
  summary: string
  requires?: readonly ServiceRef<unknown>[]
  provides?: readonly ServiceRef<unknown>[]
  /** This machine's settings for the plugin, checked with ajv; defaults are filled in. */
  config?: ConfigSchema
  entryTypes?: readonly EntryType[]
  /** Consensus. Absent for most plugins. */
  rules?: Rules<never> | Rules
  /** Extension points that this plugin opens. */
  points?: readonly ExtensionPoint<never>[]
  contributes?: readonly Contribution[]
  /** Limit for `setup`, ms (10 000). */
  startLimit?: number
  setup?(ctx: PluginContext<Static<ConfigSchema>>): void | Promise<void>
}

/** Gives a plugin its types. */
export function definePlugin<const ConfigSchema extends TSchema>(plugin: Plugin<ConfigSchema>): Plugin<ConfigSchema> {
  return plugin
}

/** One line of `plugins` in the configuration: a plugin, a package or file that exports one by default, with its settings. */
export type PluginEntry = string | Plugin | PluginSettings

export interface PluginSettings {
  /** A plugin; a path or package that exports one by default; or the name of one that is listed elsewhere, to configure it. */
  plugin: string | Plugin
  config?: object
  /** When it fails, it and what requires it are off, and the daemon goes on. */
  optional?: boolean
  /** Listed but not started. Refused when something that is on requires it, unless it is optional. */
  off?: boolean
  /** The file that this entry stands in, set by `loadConfig`: paths and packages are resolved from its folder. */
  from?: string
}
