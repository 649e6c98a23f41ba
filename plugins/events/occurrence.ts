/** An event as matches see it. What costs a look-up is looked up when a match asks for it, once. */
import type { Pact } from '../../kernel/index.ts'
import type { EntryView, ReadModel } from '../read-model/service.ts'
import type { Known } from './people.ts'
import { ENTRY_APPLIED, type Occurrence, type PactEvent } from './service.ts'

export class Seen implements Occurrence {
  readonly event: PactEvent
  readonly pact: Pact
  readonly #model: ReadModel
  readonly #people: Known
  #entry: EntryView | null | undefined
  #about: EntryView | null | undefined

  constructor(event: PactEvent, pact: Pact, model: ReadModel, people: Known) {
    this.event = event
    this.pact = pact
    this.#model = model
    this.#people = people
    if (event.kind === ENTRY_APPLIED) this.#entry = this.#about = event.entry ?? null
  }

  get entry(): EntryView | null {
    if (this.#entry === undefined) this.#entry = this.#model.entryAt(this.pact, this.event.position)
    return this.#entry
  }

  get about(): EntryView | null {
    if (this.#about === undefined) this.#about = this.#model.entry(this.pact, this.event.subject_id) ?? this.entry
    return this.#about
  }

  get topic(): string {
    return stringIn(this.event.data, 'topic') ?? this.about?.topic ?? ''
  }

  get confirmed(): boolean {
    return this.event.position < this.#model.progress(this.pact).confirmed
  }

  get role(): string | null {
    return this.#people.roles.get(this.entry?.identity ?? '') ?? null
  }

  /** Handle of an agent's key. */
  handle(key: string): string | null {
    return this.#people.handles.get(key) ?? null
  }
}

/** A text that a change's data or a payload has under a name. */
export function stringIn(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  const field = (value as Record<string, unknown>)[name]
  return typeof field === 'string' ? field : undefined
}
