/** Fills the outbox from the index: after each sync, off the path of writes, once per position and chain. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger, Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import type { Filled, Outbox } from './outbox.ts'

/** Positions per transaction. */
const CHUNK = 256
/** A caller that was just answered often writes again at once: the outbox is filled while that write waits for the disk. */
const AFTER_MS = 2
const RETRY_MS = 1000

/** The log up to a position, and the chain it has there. */
interface Prefix {
  position: number
  chain: Buffer
}

export class Filler {
  readonly #outbox: Outbox
  readonly #model: ReadModel
  readonly #log: Logger
  readonly #onstep: (pact: Pact, filled: boolean) => void
  /** Pacts to look at in the next turn. */
  readonly #due = new Map<string, Pact>()
  /** Work per pact, one after the other. */
  readonly #running = new Map<string, Promise<void>>()
  /** Epoch of the index with which the outbox of a pact was last found to agree. */
  readonly #agreed = new Map<string, number>()
  #scheduled: NodeJS.Timeout | null = null
  readonly #retries = new Set<NodeJS.Timeout>()
  #closed = false

  constructor(outbox: Outbox, model: ReadModel, log: Logger, onstep: (pact: Pact, filled: boolean) => void) {
    this.#outbox = outbox
    this.#model = model
    this.#log = log
    this.#onstep = onstep
  }

  /** Looks at a pact a little later, so that the write that moved it is answered first. */
  schedule(pact: Pact): void {
    if (this.#closed) return
    this.#due.set(pact.id, pact)
    this.#scheduled ??= setTimeout(() => {
      this.#scheduled = null
      for (const due of this.#due.values()) void this.settled(due)
    }, AFTER_MS)
  }

  /** Resolves when what the index knew at the call is in the outbox. Failures are logged and tried again. */
  settled(pact: Pact): Promise<void> {
    this.#due.delete(pact.id)
    const before = this.#running.get(pact.id) ?? Promise.resolve()
    const work = before.then(() => this.#attempt(pact))
    this.#running.set(pact.id, work)
    void work.then(() => {
      if (this.#running.get(pact.id) === work) this.#running.delete(pact.id)
    })
    return work
  }

  /** Whether every event in the outbox that is not taken back stands in the index as it was recorded. */
  agrees(pact: Pact): boolean {
    return this.#agreed.get(pact.id) === this.#model.epoch(pact)
  }

  /** Ends the work on one pact. */
  async release(pact: Pact): Promise<void> {
    this.#due.delete(pact.id)
    await this.#running.get(pact.id)
    this.#agreed.delete(pact.id)
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#scheduled) clearTimeout(this.#scheduled)
    for (const timer of this.#retries) clearTimeout(timer)
    await Promise.all(this.#running.values())
  }

  async #attempt(pact: Pact): Promise<void> {
    try {
      while (!this.#closed && !pact.closed && (await this.#step(pact)));
    } catch (error) {
      if (this.#closed || pact.closed) return
      this.#log.error('Events could not be recorded; they are tried again.', { pact: pact.alias, error: String(error) })
      this.#later(pact)
    }
  }

  #later(pact: Pact): void {
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      this.schedule(pact)
    }, RETRY_MS).unref()
    this.#retries.add(timer)
  }

  /** Takes one piece of history. Answers whether there may be more. */
  async #step(pact: Pact): Promise<boolean> {
    const epoch = this.#model.epoch(pact)
    const filled = this.#outbox.filled(pact) ?? (await this.#begin(pact))
    if (!filled) return false
    const common = await this.#common(pact, filled)
    const happenings =
      common === 'later' || common === 'lost' ? [] : await this.#model.changes(pact, common.position, CHUNK)
    // Rows were undone while they were read: what was gathered is a mixture.
    if (this.#model.epoch(pact) !== epoch) return true
    if (common === 'later') return false
    if (common === 'lost') {
      await this.#restart(pact, filled)
      return false
    }
    if (happenings.length === 0 && common.position === filled.position) {
      this.#agreed.set(pact.id, epoch)
      this.#onstep(pact, false)
      return false
    }
    const { confirmed } = this.#model.progress(pact)
    const filledMore = this.#outbox.fill(filled, common, happenings, confirmed)
    this.#agreed.set(pact.id, epoch)
    this.#onstep(pact, filledMore)
    await nextTurn()
    return happenings.length === CHUNK
  }

  /**
   * Events of a pact begin behind the entry that seated this machine: for what was linearised before, nobody here was waiting.
   * Null while that entry is not confirmed and indexed.
   */
  async #begin(pact: Pact): Promise<Filled | null> {
    const me = pact.writer.toString('hex')
    // After a fast-forward the state may not be on this machine yet.
    const members = await pact.members().catch(() => null)
    if (!members) this.#later(pact)
    const seat = members?.find(({ writer }) => writer === me)
    if (!seat || this.#model.progress(pact).confirmed <= seat.since) return null
    const chain = await this.#model.chainAt(pact, seat.since + 1)
    if (!chain) return null
    this.#outbox.begin(pact, seat.since + 1, chain)
    return this.#outbox.filled(pact)
  }

  /** Up to where the outbox still agrees with the index; `later` while the index cannot tell. */
  async #common(pact: Pact, filled: Filled): Promise<Prefix | 'later' | 'lost'> {
    const { indexed, length } = this.#model.progress(pact)
    // The index is being rebuilt. A log that became shorter is indexed to its end.
    if (indexed < filled.position && indexed < length) return 'later'
    const tail = this.#outbox.tail(filled.no)
    const candidates: Prefix[] = [filled, ...tail.map(({ position, chain }) => ({ position: position + 1, chain }))]
    for (const candidate of candidates) {
      if (candidate.position > indexed) continue
      const standing = await this.#model.chainAt(pact, candidate.position)
      if (!standing) return 'later'
      if (standing.equals(candidate.chain)) return candidate
    }
    // Nothing that could move still holds: what lies before it was confirmed.
    const oldest = tail.at(-1)
    // Of what was confirmed a part is not here: after a restore or a power loss it comes back from the others.
    if (length < (oldest?.position ?? filled.position)) return 'later'
    const chain = oldest && (await this.#model.chainAt(pact, oldest.position))
    return chain ? { position: oldest.position, chain } : 'lost'
  }

  /** The log differs below what was confirmed. Whatever happened there was told already or cannot be told any more. */
  async #restart(pact: Pact, filled: Filled): Promise<void> {
    const { indexed } = this.#model.progress(pact)
    this.#log.error('The log differs from the events below what was confirmed; events go on from its end.', {
      pact: pact.id,
      position: filled.position,
      indexed,
    })
    const chain = await this.#model.chainAt(pact, indexed)
    if (chain) this.#outbox.begin(pact, indexed, chain)
  }
}
