/** Keeps one door per open pact, and wakes ledger time when an open invite ends. */
import type { Logger, Network, Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'
import { Door } from './door.ts'
import { openEnds } from './list.ts'
import type { AdmissionKind } from './service.ts'

export class Porter {
  private readonly doors = new Map<string, Door>()
  private readonly network: Network
  private readonly readModel: ReadModel
  private readonly kinds: ReadonlyMap<number, AdmissionKind>
  private readonly log: Logger
  private readonly unfollow: () => void

  /** @throws Error when two kinds of admission share a byte on the wire */
  constructor(network: Network, readModel: ReadModel, kinds: readonly AdmissionKind[], log: Logger) {
    this.network = network
    this.readModel = readModel
    this.log = log
    this.kinds = new Map(kinds.map(kind => [kind.code, kind]))
    if (this.kinds.size !== kinds.length) throw new Error('two kinds of admission have the same code')
    this.unfollow = readModel.onSync((pact, from) => this.wake(pact, from))
  }

  open(pact: Pact): void {
    this.doors.set(pact.id, new Door(pact, this.kinds, this.network, this.log))
    this.wake(pact, 0)
  }

  recheck(pact: Pact): void {
    this.doors.get(pact.id)?.recheck()
  }

  async close(pact: Pact): Promise<void> {
    const door = this.doors.get(pact.id)
    this.doors.delete(pact.id)
    await door?.close()
  }

  async closeAll(): Promise<void> {
    this.unfollow()
    const doors = [...this.doors.values()]
    this.doors.clear()
    await Promise.all(doors.map(door => door.close()))
  }

  /** An invite ends by ledger time, which stands still while nobody writes. */
  private wake(pact: Pact, from: number): void {
    for (const end of openEnds(this.readModel, pact, from)) pact.wakeAt(end)
  }
}
