/** Fills the outbox from the index: after each sync, off the path of writes, once per position and chain. */
import type { Logger, Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import type { Filled, Outbox } from './outbox.ts'

/** Positions per transaction. */
const CHUNK = 256
const RETRY_MS = 1000

export class Filler {
  readonly #outbox: Outbox
  readonly #model: ReadModel
  readonly #log: Logger
  readonly #onfilled: () => void
  /** Pacts to look at in the next turn. */
  readonly #due = new Map<string, Pact>()
  /** Work per pact, one after the other. */
  readonly #running = new Map<string, Promise<void>>()
  #scheduled: NodeJS.Immediate | null = null
  readonly #retries = new Set<NodeJS.Timeout>()
  #closed = false

  constructor(outbox: Outbox, model: ReadModel, log: Logger, onfilled: () => void) {
    this.#outbox = outbox
    this.#model = model
    this.#log = log
    this.#onfilled = onfilled
  }

  /** Looks at a pact in a later turn, so that the write that moved it is answered first. */
  schedule(pact: Pact): void {
    if (this.#closed) return
    this.#due.set(pact.id, pact)
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = null
      for (const due of this.#due.values()) void this.settled(due)
    })
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

  /** Ends the work on one pact. */
  async release(pact: Pact): Promise<void> {
    this.#due.delete(pact.id)
    await this.#running.get(pact.id)
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#scheduled) clearImmediate(this.#scheduled)
    for (const timer of this.#retries) clearTimeout(timer)
    await Promise.all(this.#running.values())
  }

  async #attempt(pact: Pact): Promise<void> {
    try {
      while (!this.#closed && !pact.closed && (await this.#step(pact)));
    } catch (error) {
      if (this.#closed || pact.closed) return
      this.#log.error('Events could not be recorded; they are tried again.', { pact: pact.alias, error: String(error) })
      const timer = setTimeout(() => {
        this.#retries.delete(timer)
        this.schedule(pact)
      }, RETRY_MS).unref()
      this.#retries.add(timer)
    }
  }

  /** Takes one piece of history. Answers whether there may be more. */
  async #step(pact: Pact): Promise<boolean> {
    const epoch = this.#model.epoch(pact)
    const filled = this.#outbox.filled(pact) ?? (await this.#begin(pact))
    if (!filled) return false
    const common = await this.#common(pact, filled)
    if (!common) return false
    const happenings = await this.#model.changes(pact, common.position, CHUNK)
    // Rows were undone while they were read: what was gathered is a mixture.
    if (this.#model.epoch(pact) !== epoch) return true
    if (happenings.length === 0 && common.position === filled.position) return false
    const { confirmed } = this.#model.progress(pact)
    if (this.#outbox.fill(filled, common, happenings, confirmed)) this.#onfilled()
    return happenings.length === CHUNK
  }

  /**
   * Events of a pact begin behind the entry that seated this machine: for what was linearised before, nobody here was waiting.
   * Null while that entry is not confirmed and indexed.
   */
  async #begin(pact: Pact): Promise<Filled | null> {
    const me = pact.writer.toString('hex')
    const seat = (await pact.members()).find(({ writer }) => writer === me)
    if (!seat || this.#model.progress(pact).confirmed <= seat.since) return null
    const chain = await this.#model.chainAt(pact, seat.since + 1)
    if (!chain) return null
    this.#outbox.begin(pact, seat.since + 1, chain)
    return this.#outbox.filled(pact)
  }

  /** Up to where the outbox still agrees with the index, or null when the index is not far enough to tell. */
  async #common(pact: Pact, filled: Filled): Promise<{ position: number; chain: Buffer } | null> {
    const { indexed, length } = this.#model.progress(pact)
    if (indexed < filled.position && indexed < length) return null
    const standing = await this.#model.chainAt(pact, filled.position)
    if (standing?.equals(filled.chain)) return filled
    if (!standing && indexed >= filled.position) return null
    const tail = this.#outbox.tail(filled.no)
    for (const [i, { position, chain }] of tail.entries()) {
      const now = await this.#model.chainAt(pact, position)
      // Each row of the tail has the chain behind it; the chain before it is that of the next older one.
      const older = tail[i + 1]
      const before = older && older.position === position - 1 ? older.chain : null
      if (now && before ? now.equals(before) : now && !before && i === tail.length - 1) return { position, chain: now! }
      if ((await this.#model.chainAt(pact, position + 1))?.equals(chain)) return { position: position + 1, chain }
    }
    return this.#lost(pact, filled)
  }

  /** The log differs below what was confirmed. Whatever happened there was told already or cannot be told any more. */
  async #lost(pact: Pact, filled: Filled): Promise<null> {
    const { indexed } = this.#model.progress(pact)
    this.#log.error('The log differs from the events below what was confirmed; events go on from its end.', {
      pact: pact.id,
      position: filled.position,
      indexed,
    })
    const chain = await this.#model.chainAt(pact, indexed)
    if (chain) this.#outbox.begin(pact, indexed, chain)
    return null
  }
}
