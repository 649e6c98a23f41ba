/** Roles and handles of a pact's members, learnt when a match first asks for them and again when an entry changes them. */
import { handleOf, type LogRecord, type Pact } from '../../kernel/index.ts'

export interface Known {
  /** Roles by key of identity. */
  roles: ReadonlyMap<string, string>
  /** Handles by key of agent. */
  handles: ReadonlyMap<string, string>
}

const nobody: Known = { roles: new Map(), handles: new Map() }

export class People {
  readonly #asked = new Map<string, Promise<Known>>()
  readonly #known = new Map<string, Known>()

  /** @throws what the ledger throws while its state is not on this machine */
  async of(pact: Pact): Promise<Known> {
    let asked = this.#asked.get(pact.id)
    if (!asked) {
      asked = this.#ask(pact)
      this.#asked.set(pact.id, asked)
      asked.catch(() => this.#asked.delete(pact.id))
    }
    return asked
  }

  /** What was learnt last. */
  known(pactId: string): Known {
    return this.#known.get(pactId) ?? nobody
  }

  /** Entries were applied: some change who is who. */
  applied(pact: Pact, records: readonly LogRecord[]): void {
    if (!this.#asked.has(pact.id)) return
    if (records.some(({ entry }) => entry && /^(member|agent|device|pact)\./.test(entry.type))) this.forget(pact)
  }

  /** What was learnt may not hold any more; what is known serves until it is asked for again. */
  forget(pact: Pact): void {
    if (!this.#asked.delete(pact.id)) return
    this.of(pact).catch(() => {})
  }

  async #ask(pact: Pact): Promise<Known> {
    const [members, agents] = await Promise.all([pact.members(), pact.agents()])
    const roles = new Map<string, string>()
    // An identity with several devices has the highest of their roles.
    for (const { identity, role } of members) if (roles.get(identity) !== 'admin') roles.set(identity, role)
    const known = { roles, handles: new Map(agents.map(({ key, name }) => [key, handleOf(name, key)])) }
    this.#known.set(pact.id, known)
    return known
  }
}
