/** Brings inboxes up to the read model. Nothing runs in the background: an inbox is filled when it is looked into. */
import type { Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import { type Audience, agentAudience, everybody, everyTopic, roleAudience, topicAudience, wants } from './audience.ts'
import type { InboxStore, Reader } from './inbox-store.ts'
import { type MessageRow, rowsFor, rowsFrom } from './queries.ts'

/** How far a reader was brought since the start: holds as long as nothing was undone. */
interface Reached {
  epoch: number
  position: number
}

export class Inboxes {
  readonly store: InboxStore
  private readonly model: ReadModel
  private readonly reached = new Map<number, Reached>()

  constructor(store: InboxStore, model: ReadModel) {
    this.store = store
    this.model = model
  }

  /**
   * The reader of an agent, with everything delivered that is indexed here.
   * @param key hex, of an agent of this machine
   */
  async upToDate(pact: Pact, key: string): Promise<Reader> {
    await this.model.sync(pact)
    const reader = this.store.reader(pact.id, key)
    const wanted = await audiences(pact, key, reader)
    // From here on nothing waits, so that all of it is one state of the index.
    const { indexed, confirmed, partial } = this.model.progress(pact)
    const epoch = this.model.epoch(pact)
    const known = this.reached.get(reader.id)
    const from = known?.epoch === epoch ? known.position : reader.floor
    const before = new Set(reader.wanted)
    const now = new Set(wanted)
    const added = wanted.filter(each => !wants(before, each))
    const found = [...added.flatMap(each => rowsFor(this.model, pact, each, from)), ...rowsFrom(this.model, pact, from)]
    const rows = found.filter(row => row.agent !== key && wants(now, row.audience)).sort(byPosition)
    const changed = added.length > 0 || reader.wanted.some(each => !now.has(each))
    const unwanted = changed ? this.store.unreadAudiences(reader).filter(each => !wants(now, each)) : []
    // A table that is still being filled says nothing about what is not in it.
    const floor = partial ? reader.floor : Math.max(reader.floor, Math.min(indexed, confirmed))
    if (rows.length > 0 || changed || floor !== reader.floor) this.store.deliver(reader, rows, floor, wanted, unwanted)
    if (!partial) this.reached.set(reader.id, { epoch, position: indexed })
    return reader
  }
}

/** What is for an agent: what is for all, for itself or its identity, for its roles, and on the topics that it follows. */
async function audiences(pact: Pact, key: string, { roles, topics }: Reader): Promise<Audience[]> {
  const agent = await pact.agentByKey(key)
  const identity = agent?.identity
  const seats = identity ? (await pact.members()).filter(seat => seat.identity === identity) : []
  const own = agent?.label ? [agent.label] : []
  return [
    everybody,
    agentAudience(key),
    ...(identity ? [agentAudience(identity)] : []),
    ...new Set([...seats.map(({ role }) => role), ...own, ...roles].map(roleAudience)),
    ...(topics.length > 0 ? topics.map(topicAudience) : [everyTopic]),
  ]
}

function byPosition(a: MessageRow, b: MessageRow): number {
  return a.position - b.position
}
