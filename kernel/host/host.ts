/** The plugin host: resolve → check → order → setup → ready → close. */
import { isOpenPactError, OpenPactError } from '../errors.ts'
import type { Kernel, PluginStatus } from '../kernel.ts'
import type { RuleSet } from '../ledger/rule-set.ts'
import type { EntryType, ExtensionPoint, PluginEntry, ServiceRef } from '../plugin.ts'
import type { Rules } from '../rules.ts'
import { type Checked, planPlugins, serviceId } from './check.ts'
import { pluginContext } from './context.ts'
import { Declared, describe } from './declared.ts'
import type { Hooks } from './hooks.ts'
import { reasonOf, withLimit } from './limit.ts'
import type { Log } from './log.ts'
import { resolvePlugins } from './resolve.ts'
import { Scope } from './scope.ts'

interface Hosted extends Checked {
  readonly name: string
  readonly scope: Scope
  state: PluginStatus['state']
  error: string | null
}

export interface HostOptions {
  hooks: Hooks
  log: Log
  /** ms for `setup` and for `kernel.ready`, where a plugin does not say; 10 000. */
  startLimit?: number
  /** ms for `kernel.closing`, and for each registration to be undone; 5000. */
  closeLimit?: number
}

export class PluginHost {
  readonly #hooks: Hooks
  readonly #log: Log
  readonly #startLimit: number
  readonly #closeLimit: number
  readonly #services = new Map<string, unknown>()
  /** In the order of their setup, idle ones last. */
  #plugins: Hosted[] = []
  #declared = new Declared([])

  constructor({ hooks, log, startLimit = 10_000, closeLimit = 5000 }: HostOptions) {
    this.#hooks = hooks
    this.#log = log
    this.#startLimit = startLimit
    this.#closeLimit = closeLimit
  }

  /**
   * Loads and checks what the configuration lists; no plugin runs yet.
   * @param options.base folder that paths and packages are resolved from where an entry does not say
   * @throws OpenPactError PLUGINS_INVALID with every fault
   */
  async load(entries: readonly PluginEntry[], options: { base: string }): Promise<void> {
    const { listed, faults } = await resolvePlugins(entries, options.base)
    const { running, idle } = planPlugins(listed, faults)
    const hosted = (checked: Checked, state: PluginStatus['state'], error: string | null): Hosted => {
      const { name } = checked.listed.plugin
      if (error !== null) this.#log.warn('a plugin is not running', { plugin: name, reason: error })
      return { ...checked, name, scope: new Scope(this.#closeLimit), state, error }
    }
    this.#plugins = [
      ...running.map(checked => hosted(checked, 'pending', null)),
      ...idle.map(({ listed, state, reason }) => hosted({ listed, config: {} }, state, reason)),
    ]
    this.#declare()
  }

  /**
   * Taps the static declarations and runs every `setup` in order. After a failure the caller closes the host.
   * @throws OpenPactError PLUGIN_FAILED, PLUGIN_TIMEOUT, or the coded error that a plugin threw
   */
  async setup(kernel: Kernel): Promise<void> {
    for (const hosted of this.#plugins) if (hosted.state === 'pending') this.#tapRules(hosted)
    for (const hosted of this.#plugins) {
      if (hosted.state !== 'pending') continue
      try {
        await this.#setUp(hosted, kernel)
        hosted.state = 'active'
      } catch (error) {
        await this.#fail(hosted, error)
      }
    }
  }

  /** Freezes the hooks and calls `kernel.ready`. Failures as in `setup`. */
  async ready(): Promise<void> {
    this.#hooks.freeze()
    for (const { owner, error } of await this.#hooks.settle('kernel.ready')) {
      const hosted = this.#plugins.find(p => p.name === owner)
      if (!hosted) throw error
      if (hosted.state === 'active') await this.#fail(hosted, error)
    }
  }

  /** Disposes every plugin, those that require others first. Failures are logged. */
  async close(): Promise<void> {
    for (const hosted of [...this.#plugins].reverse()) {
      await this.#dispose(hosted)
      if (hosted.state === 'active' || hosted.state === 'pending') hosted.state = 'disposed'
    }
  }

  status(): PluginStatus[] {
    return this.#plugins.map(({ listed, state, error }) => ({
      ...describe(listed.plugin),
      source: listed.source,
      state,
      error,
    }))
  }

  /** A service of a running plugin. @throws OpenPactError SERVICE_MISSING */
  use<T>(ref: ServiceRef<T>): T {
    const service = serviceId(ref)
    if (this.#services.has(service)) return this.#services.get(service) as T
    const message = 'No running plugin provides the service {service}.'
    throw new OpenPactError('SERVICE_MISSING', { plugin: 'kernel', service }, { message })
  }

  /** Contributions of running plugins to a point, in plugin order. */
  contributions<T>(point: ExtensionPoint<T>): { plugin: string; value: T }[] {
    return this.#declared.contributions(point)
  }

  entryTypes(): (EntryType & { plugin: string })[] {
    return [...this.#declared.entryTypes.values()]
  }

  entryType(name: string): (EntryType & { plugin: string }) | null {
    return this.#declared.entryTypes.get(name) ?? null
  }

  /** The rules of running plugins, as the ledger calls them. */
  readonly rules: RuleSet = {
    get: plugin => this.#declared.rules.get(plugin) ?? null,
    list: () => [...this.#declared.rules.values()],
    validate: (plugin, entry, context) => this.#hooks.callOwner('entry.validate', plugin, entry, context),
    reduce: (plugin, entry, context) => this.#hooks.callOwner('entry.reduce', plugin, entry, context),
  }

  #declare(): void {
    const running = this.#plugins.filter(p => p.state === 'pending' || p.state === 'active')
    this.#declared = new Declared(running.map(p => p.listed.plugin))
  }

  #tapRules({ name, listed, scope }: Hosted): void {
    const rules = listed.plugin.rules as Rules | undefined
    const { validate, reduce } = rules ?? {}
    if (validate) scope.add('rules', this.#hooks.tap(name, 'entry.validate', validate.bind(rules)))
    if (reduce) scope.add('rules', this.#hooks.tap(name, 'entry.reduce', reduce.bind(rules)))
  }

  async #setUp({ name, listed, config, scope }: Hosted, kernel: Kernel): Promise<void> {
    const { plugin } = listed
    const limit = plugin.startLimit ?? this.#startLimit
    const context = pluginContext({
      plugin,
      config,
      kernel,
      hooks: this.#hooks,
      log: this.#log,
      scope,
      services: this.#services,
      declared: () => this.#declared,
      limits: { 'kernel.ready': limit, 'kernel.closing': this.#closeLimit },
    })
    const expired = () => new OpenPactError('PLUGIN_TIMEOUT', { plugin: name, stage: 'setup', limit })
    try {
      await withLimit(limit, expired, () => plugin.setup?.(context as never))
    } catch (error) {
      if (isOpenPactError(error)) throw error
      throw new OpenPactError(
        'PLUGIN_FAILED',
        { plugin: name, stage: 'setup', reason: reasonOf(error) },
        { cause: error },
      )
    }
    const absent = (plugin.provides ?? []).map(serviceId).find(id => !this.#services.has(id))
    if (absent === undefined) return
    const reason = `it declares the service ${absent} and does not provide it`
    throw new OpenPactError('PLUGIN_FAILED', { plugin: name, stage: 'setup', reason })
  }

  /** An optional plugin goes off with all that requires it; any other stops the start. */
  async #fail(hosted: Hosted, error: unknown): Promise<void> {
    this.#log.error('a plugin failed', { plugin: hosted.name, error })
    hosted.state = 'failed'
    hosted.error = reasonOf(error)
    if (!hosted.listed.optional) throw error
    await this.#turnOffDependents(hosted)
    await this.#dispose(hosted)
    this.#declare()
  }

  async #turnOffDependents({ name, listed, state, error }: Hosted): Promise<void> {
    const services = (listed.plugin.provides ?? []).map(serviceId)
    for (const other of [...this.#plugins].reverse()) {
      if (other.state !== 'pending' && other.state !== 'active') continue
      if (!other.listed.plugin.requires?.some(ref => services.includes(serviceId(ref)))) continue
      other.state = 'off'
      other.error = `it requires plugin "${name}", which is ${state}: ${error}`
      this.#log.warn('a plugin is not running', { plugin: other.name, reason: other.error })
      await this.#turnOffDependents(other)
      await this.#dispose(other)
    }
  }

  async #dispose({ name, scope }: Hosted): Promise<void> {
    for (const failure of await scope.dispose()) {
      this.#log.error('a plugin could not be undone', { plugin: name, what: failure.name, reason: failure.reason })
    }
  }
}
