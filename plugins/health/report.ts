/** Collects what there is to say: of each pact, of the machine, and of plugins. */
import {
  type Draft,
  handleOf,
  isOpenPactError,
  type Kernel,
  type Logger,
  OpenPactError,
  type Pact,
} from '../../kernel/index.ts'
import { inFull } from '../operations/coded.ts'
import type { Finding, HealthReporter } from '../operations/health.ts'
import { isAdmin } from '../pacts/seats.ts'
import type { ReadModel } from '../read-model/service.ts'
import { addressFindings } from './address.ts'
import { type DiskSpace, diskFinding } from './disk.ts'
import { explainPact, nameOf } from './explain.ts'
import { PactPeers } from './peers.ts'

export interface ReportParts {
  kernel: Kernel
  readModel: ReadModel
  disk: DiskSpace
  reporters: readonly HealthReporter[]
  log: Logger
}

export class Report {
  readonly #parts: ReportParts
  readonly #peers = new Map<string, PactPeers>()

  constructor(parts: ReportParts) {
    this.#parts = parts
  }

  opened(pact: Pact): void {
    const { kernel } = this.#parts
    const rules = this.#ruled().map(({ name, rules: { protocol, digest } }) => [name, { protocol, digest }])
    this.#peers.set(pact.id, new PactPeers(pact, kernel.version, Object.fromEntries(rules)))
  }

  closed(pact: Pact): void {
    this.#peers.get(pact.id)?.close()
    this.#peers.delete(pact.id)
  }

  /**
   * Refuses to make a machine an indexer that is known to be unable to judge entries: it would confirm nothing.
   * @throws OpenPactError INDEXER_CANNOT_JUDGE
   */
  async authorise(draft: Draft, pact: Pact): Promise<undefined> {
    const writers = indexersIn(draft)
    const unable = new Set(this.#known(pact).flatMap(peer => (peer.judges ? [] : [peer.noise])))
    if (writers.length === 0 || unable.size === 0) return
    const found = (await pact.members()).find(({ writer, noise }) => writers.includes(writer) && unable.has(noise))
    if (!found) return
    const name = nameOf({ noise: found.writer, identity: found.identity }, await namesOf(pact))
    throw new OpenPactError('INDEXER_CANNOT_JUDGE', { name })
  }

  #known(pact: Pact) {
    return this.#peers.get(pact.id)?.known() ?? []
  }

  async pact(pact: Pact): Promise<Finding[]> {
    const { kernel, readModel } = this.#parts
    const [status, names, admin] = await Promise.all([pact.status(), namesOf(pact), isAdmin(pact)])
    names.set(kernel.identity.key.toString('hex'), 'another machine of yours')
    const peers = this.#known(pact)
    const judging = this.#ruled().flatMap(({ name, rules }) => (rules.types.length > 0 ? [name] : []))
    return explainPact({
      status,
      names,
      admin,
      peers,
      judging,
      index: readModel.progress(pact),
      version: kernel.version,
    })
  }

  #ruled() {
    const plugins = this.#parts.kernel.plugins()
    return plugins.flatMap(({ name, state, rules }) => (rules && state === 'active' ? [{ name, rules }] : []))
  }

  async machine(): Promise<Finding[]> {
    const { disk, kernel, reporters } = this.#parts
    const told = await Promise.all(reporters.map(reporter => this.#ask(reporter)))
    const plugins = kernel.plugins().flatMap(({ name, state, error }): Finding[] => {
      if (state !== 'failed') return []
      return [{ level: 'fault', about: `Plugin ${name}`, words: `is off: ${error}` }]
    })
    const closed = [...kernel.pacts.failed].map(
      ([id, error]): Finding => ({
        level: 'fault',
        about: `Pact ${id.slice(0, 12)}`,
        words: `is not open: ${inFull(error)}`,
      }),
    )
    const address = addressFindings(kernel.network.status().address)
    return [diskFinding(await disk.space()), ...address, ...plugins, ...closed, ...told.flat()]
  }

  async #ask({ name, findings }: HealthReporter): Promise<Finding[]> {
    try {
      return (await findings?.(this.#parts.kernel)) ?? []
    } catch (error) {
      this.#parts.log.warn('a plugin could not say how it is doing', { reporter: name, error })
      const why = isOpenPactError(error) ? `: ${inFull(error)}` : '; see `openpact logs`'
      return [{ level: 'fault', about: `Plugin ${name}`, words: `could not say how it is doing${why}` }]
    }
  }
}

/** Writers (hex) that an entry names as the indexers to be. */
function indexersIn({ type, payload }: Draft): unknown[] {
  const { writers, indexers } = (payload ?? {}) as { writers?: unknown; indexers?: unknown }
  const named =
    type === 'pact.indexers' ? writers : type.startsWith('member.') || type.startsWith('device.') ? indexers : []
  return Array.isArray(named) ? named : []
}

/** What owners are called: by the handle of the first agent that is registered for them. */
async function namesOf(pact: Pact): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (const { identity, name, key, revoked } of await pact.agents())
    if (!revoked && !names.has(identity)) names.set(identity, handleOf(name, key))
  return names
}
