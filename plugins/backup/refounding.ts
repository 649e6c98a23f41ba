/**
 * Refounding as a whole, which may be cut short at any moment. Until it is done the old pact keeps its alias and the new one has a
 * name of its own, so that nobody takes the half one for the pact; then they change names. What was begun is remembered in `local.db`,
 * and the next start of the daemon, or the same command again, goes on with it.
 */
import { doorTopic, type Kernel, type Logger, OpenPactError, type Pact } from '../../kernel/index.ts'
import type { Joining } from '../invites/service.ts'
import type { Finding } from '../operations/health.ts'
import type { ActivePact } from '../pacts/service.ts'
import type { ReadModel } from '../read-model/service.ts'
import type { ArchivedLogs } from './archived.ts'
import type { Tally } from './attached.ts'
import { CONTENT_ENTRY } from './entries.ts'
import { carryOver, type Source, sourceOf } from './refound.ts'

export interface RefoundingParts {
  kernel: Kernel
  archived: ArchivedLogs
  readModel: ReadModel
  joining: Joining
  active: ActivePact
  log: Logger
}

export interface Refounded extends Tally {
  pact: Pact
  /** Id of the pact that it carries on. */
  of: string
  entries: number
}

/** A new pact that does not hold all of the old one yet. */
interface Begun {
  old: string
  /** What it will be called. */
  alias: string
  pact: Pact
  done: number
  length: number
}

export class Refounding {
  readonly #parts: RefoundingParts
  /** By the id of the old pact. */
  readonly #running = new Map<string, Promise<Refounded>>()

  constructor(parts: RefoundingParts) {
    this.#parts = parts
  }

  /**
   * Goes on with one that was begun, with or without `force`.
   * @throws OpenPactError PACT_UNKNOWN, PACT_EXISTS, REFOUND_NEEDLESS, REFOUND_UNSURE, REFOUND_DONE, BACKUP_PARTIAL, ENTRY_REFUSED …
   */
  async refound(wanted: string, options: { alias?: string; force?: boolean } = {}): Promise<Refounded> {
    const { kernel, archived } = this.#parts
    const all = await this.#begun()
    const old = all.find(({ pact }) => wanted === pact.alias || wanted === pact.id)?.old
    const source = await sourceOf(kernel, archived, old ?? wanted)
    const begun = all.find(one => one.old === source.id)
    if (!begun && !options.force && !this.#running.has(source.id)) await this.#mayBegin(source)
    const running = this.#running.get(source.id)
    if (running) return running
    const alias = options.alias ?? begun?.alias ?? source.alias
    const taken = kernel.pacts.find(alias)
    if (taken && taken !== source.open && taken !== begun?.pact) throw new OpenPactError('PACT_EXISTS', { alias })
    const work = this.#carryOn(source, alias, begun?.pact ?? null).finally(() => this.#running.delete(source.id))
    this.#running.set(source.id, work)
    return work
  }

  /** Goes on with what a stop of the daemon has cut short. */
  async resume(): Promise<void> {
    const { archived, log } = this.#parts
    const begun = await this.#begun()
    // Nothing of it stands, or the new pact was left: that was the end of it.
    for (const { old } of archived.unfinished()) if (!begun.some(one => one.old === old)) archived.finished(old)
    for (const { old, pact } of begun)
      await this.refound(old).then(
        ({ entries }) => log.info('a refounding was finished', { pact: pact.alias, entries }),
        error => log.warn('a refounding could not be finished', { pact: pact.alias, error }),
      )
  }

  async findings(): Promise<Finding[]> {
    const { archived, kernel } = this.#parts
    const begun = await this.#begun()
    return [
      ...archived
        .waiting(kernel)
        .filter(({ id }) => !begun.some(({ old }) => old === id))
        .map(
          ({ alias, id }): Finding => ({
            level: 'advice',
            about: `Pact ${alias}`,
            words: `came out of an archive and waits for a member to let this machine in. \`openpact backup entries ${id.slice(0, 12)}\` reads it meanwhile; if nobody is left, \`openpact refound ${id.slice(0, 12)} --force\` carries it on`,
          }),
        ),
      ...this.#unfinished(begun),
    ]
  }

  #unfinished(begun: Begun[]): Finding[] {
    return begun.map(({ old, pact, done, length }) => ({
      level: this.#running.has(old) ? 'advice' : 'fault',
      about: `Pact ${pact.alias}`,
      words: this.#running.has(old)
        ? `${done} of ${length} entries of the old pact are carried over; it takes its name when all are`
        : `carries another pact on, but that was cut short at ${done} of ${length} entries: \`openpact refound ${pact.alias}\` goes on with it, \`openpact leave ${pact.alias} --force\` gives it up`,
    }))
  }

  /** New pacts of this machine that are not finished. */
  async #begun(): Promise<Begun[]> {
    const { kernel, archived } = this.#parts
    const found: Begun[] = []
    for (const { old, alias, pact: known } of archived.unfinished())
      for (const pact of kernel.pacts.list()) {
        const { refounds } = await pact.status()
        // Which pact it is was not noted yet when the daemon was ended right after founding it.
        const isIt = known === null ? refounds?.done === 0 : known === pact.id
        if (refounds?.id === old && isIt) found.push({ old, alias, pact, ...refounds })
      }
    return found
  }

  async #mayBegin({ id, alias, held }: Source): Promise<void> {
    for (const pact of this.#parts.kernel.pacts.list())
      if ((await pact.status()).refounds?.id === id)
        throw new OpenPactError('REFOUND_DONE', { pact: alias, by: pact.alias, id: pact.id })
    if (held === '') throw new OpenPactError('REFOUND_NEEDLESS', { pact: alias })
    throw new OpenPactError('REFOUND_UNSURE', { pact: alias, seen: held })
  }

  async #carryOn(source: Source, alias: string, begun: Pact | null): Promise<Refounded> {
    const { kernel, archived, readModel, joining, active } = this.#parts
    const { id, name, key, chain, length } = source
    archived.refounding({ old: id, alias, pact: begun?.id ?? null })
    const wanted = { name, alias: this.#free(alias, '-new'), refounds: { key, chain, length } }
    const pact = begun ?? (await kernel.pacts.create(wanted))
    archived.refounding({ old: id, alias, pact: pact.id })
    const tally = await carryOver(kernel, source, pact, attachedIn(readModel, pact))
    // Nobody needs to be asked to let this machine into the old one any more.
    archived.mark(id, 'refounded')
    await joining.cancel(doorTopic(key).toString('hex'))
    active.choose(pact)
    // The new one takes the name that people use. A member may have let this machine into the old one meanwhile.
    if (kernel.pacts.find(alias)?.id === id) await kernel.pacts.rename(id, this.#free(alias, '-old'))
    await kernel.pacts.rename(pact.id, alias)
    archived.finished(id)
    return { pact, of: id, entries: length, ...tally }
  }

  /** An alias that no pact has: one that may be as long as an alias can be, with an ending. */
  #free(alias: string, ending: string): string {
    for (let n = 1; ; n++) {
      const free = `${alias.slice(0, 56)}${ending}${n === 1 ? '' : `-${n}`}`
      if (!this.#parts.kernel.pacts.find(free)) return free
    }
  }
}

/** Contents (sha256) that are attached in the new pact already. */
function attachedIn(readModel: ReadModel, pact: Pact): Set<string> {
  const found = new Set<string>()
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = readModel.entries(pact, { type: CONTENT_ENTRY, limit: 1000, ...(cursor ? { cursor } : {}) })
    for (const { payload } of page.entries) found.add((payload as { attachment: { hash: string } }).attachment.hash)
    cursor = page.cursor
  }
  return found
}
