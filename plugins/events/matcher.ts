/** The service: matches compiled with the names of this machine, and events as they see them. */
import { type Kernel, OpenPactError, type Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import { compileMatch } from './compile.ts'
import { TypedMatchIndex } from './match-index.ts'
import { Seen } from './occurrence.ts'
import type { People } from './people.ts'
import { type CompiledMatch, ENTRY_APPLIED, type Matcher, type Occurrence, type PactEvent } from './service.ts'

export class LocalMatcher implements Matcher {
  readonly #model: ReadModel
  readonly #kernel: Kernel
  readonly #people: People

  constructor(model: ReadModel, kernel: Kernel, people: People) {
    this.#model = model
    this.#kernel = kernel
    this.#people = people
  }

  compile(match: unknown): CompiledMatch {
    return compileMatch(match, this.#kernel)
  }

  index(): TypedMatchIndex {
    return new TypedMatchIndex()
  }

  occurrence(event: PactEvent, pact: Pact): Occurrence {
    return new Seen(event, pact, this.#model, this.#people.known(pact.id))
  }

  occurrencesOf(pact: Pact, entryId: string): Occurrence[] {
    const entry = this.#model.entry(pact, entryId)
    if (!entry) throw new OpenPactError('ENTRY_UNKNOWN', { id: entryId.slice(0, 80) })
    const { position } = entry
    const common = { seq: 0, id: '', pact: pact.id, position }
    const changes = this.#model.changesAt(pact, position)
    return [
      { ...common, kind: ENTRY_APPLIED, subject: 'entry', subject_id: entry.id, entry },
      ...changes.map(({ kind, subject, id, data }) => ({ ...common, kind, subject, subject_id: id, data })),
    ].map(event => this.occurrence(event, pact))
  }

  async people(pact: Pact): Promise<void> {
    await this.#people.of(pact)
  }
}
