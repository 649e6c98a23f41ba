/** Looks for others on one topic until somebody is there, and again when they are gone. */
import type Hyperswarm from 'hyperswarm'
import type { Discovery } from 'hyperswarm'

/** ms. Two machines that join at the same instant miss each other's announcement, so the first look back comes soon. */
const FIRST = 250
const LAST = 60_000
/**
 * The same while somebody is there. A look announces anew, and the DHT may have forgotten this machine meanwhile: then others look for it in
 * vain until Hyperswarm's own announcement, up to 12 minutes later.
 */
const FIRST_SATISFIED = 10_000
const LAST_SATISFIED = 300_000
/** ms between two looks at most while no node of the DHT answers: it may come back without what was announced in it. */
const UNREACHED = 20_000

export class Search {
  readonly topic: Buffer
  readonly #roles: { server: boolean; client: boolean }
  readonly #satisfied: () => boolean
  #discovery: Discovery | null = null
  #timer: NodeJS.Timeout | null = null
  /** Until the next look while nobody is there, and while somebody is. */
  #delay = FIRST
  #rest = FIRST_SATISFIED
  #due = 0
  #closed = false

  /** @param satisfied whether somebody who was looked for is connected */
  constructor(topic: Buffer, roles: { server: boolean; client: boolean }, satisfied: () => boolean) {
    this.topic = topic
    this.#roles = roles
    this.#satisfied = satisfied
  }

  start(swarm: Hyperswarm): void {
    if (this.#closed || this.#discovery !== null) return
    this.#discovery = swarm.join(this.topic, this.#roles)
    this.#plan(FIRST)
  }

  /** Somebody was lost: looks sooner, but no more often than its patience allows. */
  hurry(): void {
    this.#rest = FIRST_SATISFIED
    const wait = this.#satisfied() ? this.#rest : this.#delay
    if (this.#due - Date.now() > wait) this.#plan(wait)
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#discovery?.destroy()
  }

  #plan(delay: number): void {
    if (this.#closed || this.#discovery === null) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#due = Date.now() + delay
    this.#timer = setTimeout(() => this.#look(), delay)
  }

  async #look(): Promise<void> {
    const found = this.#satisfied()
    const wait = found ? this.#rest : this.#delay
    // Before it is known how this look ends, which takes as long as the network lets it.
    this.#plan(wait)
    // With nobody there after 0.25 s, 0.5 s, 1 s … 60 s; else after 10 s, 20 s … 300 s.
    this.#delay = found ? FIRST : Math.min(this.#delay * 2, LAST)
    this.#rest = found ? Math.min(this.#rest * 2, LAST_SATISFIED) : FIRST_SATISFIED
    const reached = await this.#discovery?.refresh().catch(() => false)
    if (!reached && wait > UNREACHED) this.#plan(UNREACHED)
  }
}
