/**
 * A fresh writer core in place of one whose end is lost for good (own-tail.ts), in the same store: what was linearised stays. The same
 * device asks for a seat with it, which takes the place of its former one, and nothing is appended until that is confirmed.
 */
import { doorTopic } from '../replication/topics.ts'
import { readRecord } from './follower.ts'
import type { PowerLossHost } from './power-loss.ts'
import { type Application, applicationOf } from './seats.ts'
import type { ShutdownMark } from './shutdown-mark.ts'

export class Rotation {
  private readonly host: PowerLossHost
  private readonly mark: ShutdownMark

  constructor(host: PowerLossHost, mark: ShutdownMark) {
    this.host = host
    this.mark = mark
  }

  /** What must happen first, in words. */
  async obstacle(): Promise<string> {
    const indexers = await this.host.reader.indexers().catch((): string[] => [])
    if (!indexers.includes(this.own)) return 'it goes on as soon as a member has seated a fresh writer core for it'
    return indexers.length === 1
      ? 'it is the only indexer, so that nothing can be confirmed any more: carry the pact on with `openpact refound <pact> --force`'
      : 'it is an indexer: once an admin has named others (`openpact indexers`), it goes on with a fresh writer core'
  }

  /** The application with the fresh core; null while nobody could seat it, or while an entry of the lost one could still come after the seat. */
  async application(): Promise<Application | null> {
    if (this.mark.lost !== this.own || (await this.host.reader.indexers()).includes(this.own)) return null
    const { view, local, localWriter } = this.host.base
    if (localWriter && localWriter.nodes.length < local.contiguousLength) return null
    const { log } = view
    for (let position = this.host.base.confirmed('log'); position < log.length; position++) {
      const record = await readRecord(log, position)
      if (!record || record.writer.equals(this.host.base.local.key)) return null
    }
    return applicationOf(this.host.identity, doorTopic(this.host.base.key), await this.fresh())
  }

  /** Takes the fresh core once its seat is confirmed. Answers whether the ledger must be opened again. To be called one at a time. */
  async turn(): Promise<boolean> {
    const { lost } = this.mark
    if (lost === null) return false
    if (lost === this.own) {
      const fresh = await this.fresh()
      const seat = await this.host.reader.memberByNoise(this.host.identity.device.toString('hex'), 'confirmed')
      if (seat?.writer !== fresh.toString('hex')) return false
      await this.host.base.setLocal(fresh)
      // Should the base have been too busy, the next look finds it changed, or changes it.
      if (lost === this.own) return false
    }
    await this.mark.rotated()
    return true
  }

  private get own(): string {
    return this.host.base.local.key.toString('hex')
  }

  /** Key of the core that takes the place of the own one; always the same. */
  private async fresh(): Promise<Buffer> {
    const core = this.host.store.get({ name: `writer/${this.own}`, active: false })
    await core.ready()
    const { key } = core
    await core.close()
    return key
  }
}
