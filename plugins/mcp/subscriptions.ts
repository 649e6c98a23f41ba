/** Which session follows which resource. One look at the outbox for all of them, whenever something happened. */
import { authorise } from '../access/permits.ts'
import type { PactEvent } from '../events/service.ts'
import type { Parts } from './parts.ts'
import { type Address, addressOf } from './resources.ts'
import type { Session } from './session.ts'

/** Events that are read at a time. */
const BATCH = 256

export class Subscriptions {
  readonly #parts: Parts
  /** By what is followed: the addresses under which each session knows it. */
  readonly #followers = new Map<string, Map<Session, Set<string>>>()
  /** Number of the last event that was looked at. */
  #seq = 0
  #undo: (() => void) | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws OpenPactError MCP_RESOURCE_UNKNOWN, PACT_UNKNOWN, OUT_OF_SCOPE */
  follow(uri: string, session: Session): void {
    const key = this.#key(addressOf(uri), session)
    if (!this.#undo) {
      this.#seq = this.#parts.events.head()
      this.#undo = this.#parts.events.onEvents(() => this.#look())
    }
    const sessions = this.#followers.get(key) ?? new Map<Session, Set<string>>()
    this.#followers.set(key, sessions.set(session, (sessions.get(session) ?? new Set()).add(uri)))
  }

  unfollow(uri: string, session: Session): void {
    const key = this.#key(addressOf(uri), session)
    const uris = this.#followers.get(key)?.get(session)
    uris?.delete(uri)
    session.forget(uri)
    if (uris?.size === 0) this.#remove(key, session)
  }

  /** Everything that an ended session followed. */
  drop(session: Session): void {
    for (const key of [...this.#followers.keys()]) this.#remove(key, session)
  }

  close(): void {
    this.#undo?.()
    this.#undo = null
    this.#followers.clear()
  }

  #remove(key: string, session: Session): void {
    const sessions = this.#followers.get(key)
    sessions?.delete(session)
    if (sessions?.size === 0) this.#followers.delete(key)
    if (this.#followers.size === 0) this.close()
  }

  #key({ pact: wanted, kind, id }: Address, { caller }: Session): string {
    const { pacts } = this.#parts.kernel
    // A limited caller learns of no pact beyond its own: the answer is the same whether or not another one exists.
    const pact = caller.pacts ? pacts.find(wanted) : pacts.get(wanted)
    authorise(caller, { name: 'GET /mcp', access: 'read', plugin: 'mcp' }, pact?.id ?? wanted)
    return `${pact!.id} ${kind} ${id}`
  }

  #look(): void {
    const moved = new Map<Session, Set<string>>()
    for (;;) {
      const found = this.#parts.events.after(this.#seq, { limit: BATCH })
      const last = found.at(-1)
      if (!last) break
      this.#seq = last.seq
      for (const event of found) {
        for (const key of this.#touched(event)) {
          for (const [session, uris] of this.#followers.get(key) ?? []) {
            moved.set(session, new Set([...(moved.get(session) ?? []), ...uris]))
          }
        }
      }
    }
    for (const [session, uris] of moved) for (const uri of uris) session.changed(uri)
  }

  /** What of a pact is another one after an event. A correction says only which subject it is about. */
  #touched({ pact, subject, subject_id, entry }: PactEvent): string[] {
    const kind = subject === 'task' ? 'tasks' : 'entries'
    return [`${pact} ${kind} ${subject_id}`, ...(entry ? [`${pact} topics ${entry.topic}`] : [])]
  }
}
