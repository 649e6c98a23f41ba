/** Looks for others on one topic until somebody is there, and again when they are gone. */
import type Hyperswarm from 'hyperswarm'
import type { Discovery } from 'hyperswarm'

/** ms. Two machines that join at the same instant miss each other's announcement, so the first look back comes soon. */
const FIRST = 250
const LAST = 60_000
/** ms between looks while somebody is there; Hyperswarm's own is 10 minutes. */
const SATISFIED = 300_000

export class Search {
  readonly topic: Buffer
  readonly #roles: { server: boolean; client: boolean }
  readonly #satisfied: () => boolean
  #discovery: Discovery | null = null
  #timer: NodeJS.Timeout | null = null
  #delay = FIRST
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
    if (this.#due - Date.now() > this.#delay) this.#plan(this.#delay)
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
    this.#plan(found ? SATISFIED : this.#delay)
    // With nobody there: after 0.25 s, 0.5 s, 1 s … 60 s.
    this.#delay = found ? FIRST : Math.min(this.#delay * 2, LAST)
    // Fails while the network is away; the next look is planned already.
    if (!found) await this.#discovery?.refresh().catch(() => {})
  }
}
