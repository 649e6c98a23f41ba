/** Decides before anything runs which plugins can run, and in which order. All faults are told at once. */
import { OpenPactError } from '../errors.ts'
import type { TSchema } from '../json-schema.ts'
import { isKernelType } from '../ledger/kernel-types.ts'
import type { Plugin, ServiceRef } from '../plugin.ts'
import type { Rules } from '../rules.ts'
import { near } from './near.ts'
import { order } from './order.ts'
import type { Fault, Listed } from './resolve.ts'
import { schemaFaults } from './schema.ts'

/** A plugin that can run, with its settings and their defaults. */
export interface Checked {
  listed: Listed
  config: Record<string, unknown>
}

export interface Idle {
  listed: Listed
  state: 'failed' | 'off'
  reason: string
}

export interface Plan {
  /** In the order of their setup. */
  running: Checked[]
  idle: Idle[]
}

/**
 * Checks plugins against each other. What is wrong with an optional one turns it off, and what requires it too.
 * @param found faults of resolving, to be told together with these
 * @throws OpenPactError PLUGINS_INVALID with one line for each fault
 */
export function planPlugins(listed: readonly Listed[], found: readonly Fault[]): Plan {
  const check = new Check(listed, found)
  check.declarations()
  check.requirements()
  return check.plan()
}

/** The name of a service in messages, e.g. `read-model@1`. */
export function serviceId(ref: ServiceRef<unknown>): string {
  return `${ref.id}@${ref.major}`
}

class Check {
  readonly #faults: Fault[]
  readonly #idle = new Map<string, Idle>()
  /** Everything that is on. Ones with a fault stay: what requires them is not to blame. */
  readonly #on: Map<string, Listed>
  readonly #configs = new Map<string, Record<string, unknown>>()

  constructor(listed: readonly Listed[], found: readonly Fault[]) {
    this.#faults = [...found]
    // Where two collide, the later is blamed: so those that must run come first, then by name.
    const sorted = [...listed].sort((a, b) => Number(a.optional) - Number(b.optional) || byName(a.plugin, b.plugin))
    this.#on = new Map(sorted.map(l => [l.plugin.name, l]))
    for (const l of sorted) {
      if (l.off) this.#setIdle(l, 'off', 'turned off in the configuration')
      else if (l.failure !== undefined) this.#setIdle(l, 'failed', l.failure)
    }
  }

  /** What each plugin declares, alone and beside the others. */
  declarations(): void {
    const owners = new Map<string, string>()
    const points = new Set([...this.#on.values(), ...this.#off()].flatMap(l => (l.plugin.points ?? []).map(p => p.id)))
    for (const l of [...this.#on.values()]) {
      const claims = claimsOf(l.plugin)
      const reasons = [
        ...claims.filter((claim, i) => claims.indexOf(claim) !== i).map(claim => `it declares ${claim} twice`),
        ...claims.filter(claim => owners.has(claim)).map(claim => `${claim} is also of plugin "${owners.get(claim)}"`),
        ...ownFaults(l.plugin),
        ...(l.plugin.contributes ?? [])
          .filter(c => !points.has(c.point))
          .map(c => `"${c.id}" is for the unknown extension point "${c.point}".${near(c.point, points)}`),
      ]
      if (reasons.length > 0) this.#blame(l, reasons)
      const settings = this.#configFaults(l)
      if (settings.length > 0) this.#blame(l, settings, l.configured)
      if (this.#on.has(l.plugin.name)) for (const claim of claims) owners.set(claim, owners.get(claim) ?? l.plugin.name)
    }
  }

  /** Turning one off can leave others without a service: until nothing changes. */
  requirements(): void {
    const told = new Set<Listed>()
    for (let before = -1; before !== this.#idle.size; ) {
      before = this.#idle.size
      for (const l of [...this.#on.values()]) {
        const missing = (l.plugin.requires ?? []).filter(ref => !this.#provider(ref))
        for (const ref of missing) if (!told.has(l)) this.#missing(l, ref)
        if (missing.length > 0) told.add(l)
      }
      if (before === this.#idle.size) this.#cycles()
    }
  }

  plan(): Plan {
    if (this.#faults.length > 0) {
      const lines = this.#faults.map(fault => `- ${fault.plugin} (${fault.source}): ${fault.reason}`)
      throw new OpenPactError('PLUGINS_INVALID', {
        reason: [...new Set(lines)].sort().join('\n'),
        faults: this.#faults,
      })
    }
    const running = order(this.#nodes()).sorted.map(name => ({
      listed: this.#on.get(name)!,
      config: this.#configs.get(name)!,
    }))
    return { running, idle: [...this.#idle.values()] }
  }

  #missing(l: Listed, ref: ServiceRef<unknown>): void {
    const provider = this.#off().find(off => provides(off.plugin, ref))
    const service = serviceId(ref)
    if (!provider) {
      const all = [...this.#on.values(), ...this.#off()].flatMap(p => (p.plugin.provides ?? []).map(serviceId))
      this.#blame(l, [`it requires the service ${service}, which no listed plugin provides.${near(service, all)}`])
    } else if (provider.off && !provider.optional && !l.optional) {
      const reason = `it is off, but plugin "${l.plugin.name}" requires its service ${service}`
      this.#faults.push({ plugin: provider.plugin.name, source: provider.configured ?? provider.source, reason })
    } else {
      const { state, reason } = this.#idle.get(provider.plugin.name)!
      this.#setIdle(l, 'off', `it requires plugin "${provider.plugin.name}", which is ${state}: ${reason}`)
    }
  }

  #cycles(): void {
    for (const cycle of order(this.#nodes()).cycles) {
      const members = cycle.map(name => this.#on.get(name)!)
      const culprit = members.find(l => l.optional) ?? members[0]!
      const reason = `it requires itself: ${[...cycle, cycle[0]].join(' → ')}`
      if (culprit.optional || !this.#faults.some(f => f.reason === reason)) this.#blame(culprit, [reason])
    }
  }

  #nodes() {
    return [...this.#on.values()].map(({ plugin }) => ({
      name: plugin.name,
      needs: (plugin.requires ?? []).flatMap(ref => this.#provider(ref)?.plugin.name ?? []),
    }))
  }

  #provider(ref: ServiceRef<unknown>): Listed | undefined {
    return [...this.#on.values()].find(l => provides(l.plugin, ref))
  }

  #off(): Listed[] {
    return [...this.#idle.values()].map(idle => idle.listed)
  }

  #blame(l: Listed, reasons: string[], source = l.source): void {
    if (l.optional) this.#setIdle(l, 'failed', reasons.join('; '))
    else for (const reason of reasons) this.#faults.push({ plugin: l.plugin.name, source, reason })
  }

  #setIdle(listed: Listed, state: Idle['state'], reason: string): void {
    const { name } = listed.plugin
    this.#on.delete(name)
    if (!this.#idle.has(name)) this.#idle.set(name, { listed, state, reason })
  }

  #configFaults({ plugin, settings }: Listed): string[] {
    // A copy: the defaults that are filled in are this start's.
    const config = structuredClone(settings)
    this.#configs.set(plugin.name, config)
    return schemaFaults(closedSchema(plugin.config), config).map(fault => `config: ${fault}`)
  }
}

/** What only one plugin may have, in words. */
function claimsOf(plugin: Plugin): string[] {
  return [
    ...(plugin.entryTypes ?? []).map(type => `the entry type "${type.name}"`),
    ...(plugin.provides ?? []).map(ref => `the service ${ref.id}`),
    ...(plugin.points ?? []).map(point => `the extension point "${point.id}"`),
    ...(plugin.contributes ?? []).map(c => `"${c.id}" for "${c.point}"`),
    ...Object.keys((plugin.rules as Rules | undefined)?.admits ?? {}).map(kind => `the admission kind "${kind}"`),
  ]
}

function ownFaults({ entryTypes = [], rules }: Plugin): string[] {
  const own = entryTypes.map(type => type.name)
  const ruled = (rules as Rules | undefined)?.types ?? []
  return [
    ...own.filter(isKernelType).map(type => `the entry type "${type}" is the kernel's`),
    ...ruled
      .filter(type => !own.includes(type))
      .map(type => `its rules judge "${type}", which is no entry type of its own`),
  ]
}

function provides(plugin: Plugin, ref: ServiceRef<unknown>): boolean {
  return (plugin.provides ?? []).some(p => p.id === ref.id && p.major === ref.major)
}

/** A mistyped setting must not be ignored, so fields that the plugin does not name are refused unless it says otherwise. */
function closedSchema(schema: TSchema | undefined): TSchema {
  return { type: 'object', additionalProperties: false, ...schema }
}

function byName(a: Plugin, b: Plugin): number {
  return a.name < b.name ? -1 : 1
}
