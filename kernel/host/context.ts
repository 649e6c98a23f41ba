/** What a plugin's `setup` gets: every registration made through it belongs to the plugin's scope. */
import { OpenPactError } from '../errors.ts'
import type { HookMap, HookName } from '../hooks.ts'
import type { Kernel } from '../kernel.ts'
import type { Plugin, PluginContext, ServiceRef } from '../plugin.ts'
import { serviceId } from './check.ts'
import type { Declared } from './declared.ts'
import type { Hooks, TapOptions } from './hooks.ts'
import { withLimit } from './limit.ts'
import type { Log } from './log.ts'
import type { Scope } from './scope.ts'

export interface ContextParts {
  plugin: Plugin
  config: Record<string, unknown>
  kernel: Kernel
  hooks: Hooks
  log: Log
  scope: Scope
  /** Services by id and major, shared by all plugins. */
  services: Map<string, unknown>
  declared(): Declared
  /** ms that a tap of `kernel.ready` and of `kernel.closing` may take. */
  limits: Partial<Record<HookName, number>>
}

/** Hooks that decide what is accepted: filled from `rules` alone, or a local plugin could split the ledger. */
const consensus: readonly HookName[] = ['entry.validate', 'entry.reduce']

export function pluginContext(parts: ContextParts): PluginContext {
  const { plugin, scope, services } = parts
  const { name } = plugin
  return {
    plugin: name,
    config: parts.config,
    log: parts.log.child(name),
    kernel: parts.kernel,
    signal: scope.signal,
    provide(ref, implementation) {
      const id = serviceId(ref)
      if (!names(plugin.provides, ref)) {
        throw new OpenPactError('PLUGIN_FAILED', {
          plugin: name,
          stage: 'provide',
          reason: `it does not declare ${id}`,
        })
      }
      services.set(id, implementation)
      scope.add(`service ${id}`, () => services.delete(id))
    },
    use<T>(ref: ServiceRef<T>): T {
      const id = serviceId(ref)
      const declared = names(plugin.requires, ref) || names(plugin.provides, ref)
      if (!declared) throw new OpenPactError('SERVICE_MISSING', { plugin: name, service: id })
      if (services.has(id)) return services.get(id) as T
      const message = 'Plugin "{plugin}" uses the service {service}, which is not there yet or no longer.'
      throw new OpenPactError('SERVICE_MISSING', { plugin: name, service: id }, { message })
    },
    contributions: point => parts.declared().contributions(point),
    tap<N extends HookName>(hook: N, fn: HookMap[N], options?: TapOptions) {
      if (consensus.includes(hook)) throw new OpenPactError('HOOK_RESERVED', { hook })
      scope.add(`tap of ${hook}`, parts.hooks.tap(name, hook, limited(parts, hook, fn), options))
    },
    onClose(fn) {
      scope.add('onClose', fn)
    },
  }
}

/** A tap that never ends must not hang the start or the stop of the daemon. */
function limited<N extends HookName>({ plugin, limits }: ContextParts, hook: N, fn: HookMap[N]): HookMap[N] {
  const limit = limits[hook]
  if (limit === undefined) return fn
  const expired = () => new OpenPactError('PLUGIN_TIMEOUT', { plugin: plugin.name, stage: hook, limit })
  const call = fn as (...args: unknown[]) => unknown
  return ((...args: unknown[]) => withLimit(limit, expired, () => call(...args))) as HookMap[N]
}

function names(refs: readonly ServiceRef<unknown>[] | undefined, ref: ServiceRef<unknown>): boolean {
  return (refs ?? []).some(r => serviceId(r) === serviceId(ref))
}
