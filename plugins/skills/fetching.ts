/**
 * Fetches content that stands beside its entry as soon as somebody has it, so that it is here, and can be served on, when its author
 * is gone. Each waits by itself: one that nobody has holds up no other.
 */
import { isOpenPactError, type Logger, type Pact } from '../../kernel/index.ts'
import type { Attachments } from '../attachments/service.ts'
import type { ReadModel } from '../read-model/service.ts'
import { attachmentsFrom } from './queries.ts'

interface Work {
  stop: AbortController
  /** By core: done, or under way. */
  known: Map<string, Promise<void>>
}

export class Fetching {
  private readonly model: ReadModel
  private readonly attachments: Attachments
  private readonly log: Logger
  private readonly pacts = new Map<string, Work>()

  constructor(model: ReadModel, attachments: Attachments, log: Logger) {
    this.model = model
    this.attachments = attachments
    this.log = log
  }

  /** Looks at the skills from a position on. Never waits. */
  look(pact: Pact, from: number): void {
    if (pact.closed) return
    const work = this.pacts.get(pact.id) ?? { stop: new AbortController(), known: new Map() }
    this.pacts.set(pact.id, work)
    for (const ref of attachmentsFrom(this.model, pact, from)) {
      if (work.known.has(ref.core)) continue
      const { attachments } = this
      const fetched = attachments
        .held(pact, ref)
        .then(held => (held ? undefined : attachments.read(pact, ref, { timeout: null, signal: work.stop.signal })))
        .then(
          () => {},
          error => {
            const reason = isOpenPactError(error) ? error.code : String(error)
            // An entry that was carried over names the core of its first pact; what was attached again has an entry of its own.
            if (!work.stop.signal.aborted && reason !== 'ATTACHMENT_FOREIGN')
              this.log.warn('content of a skill is not usable', { pact: pact.alias, reason })
          },
        )
      work.known.set(ref.core, fetched)
    }
  }

  /** A pact closes: resolves when nothing of it is being fetched any more. */
  async forget(pact: Pact): Promise<void> {
    const work = this.pacts.get(pact.id)
    this.pacts.delete(pact.id)
    work?.stop.abort()
    await Promise.all(work?.known.values() ?? [])
  }
}
