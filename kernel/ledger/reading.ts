/** What readers ask of the `state` view: members, agents, charter, time, a plugin's rows. */
import type Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import type { CharterState, LedgerAgent, Member } from '../pact.ts'
import type { RuleState } from '../rules.ts'
import type { CarriedAgent } from './carried.ts'
import type { CharterRow } from './charter.ts'
import { type Counter, type Counters, readCounter } from './counters.ts'
import type { Until } from './entry.ts'
import { readRecord } from './follower.ts'
import type { AgentRow, IdentityRow, IndexerRow, PrefixRow, Seat } from './seats.ts'
import { listState, readState } from './state.ts'
import type { Tips } from './tips.ts'
import type { Base } from './views.ts'

export class StateReader {
  private readonly base: Base
  private readonly bee: Hyperbee
  private readonly log: Hypercore
  private readonly counters: Counters
  private readonly tips: Tips

  /** @param counters what apply counted: good for as long as nothing was written since */
  constructor(base: Base, counters: Counters, tips: Tips) {
    this.base = base
    this.bee = base.view.state
    this.log = base.view.log
    this.tips = tips
    this.counters = counters
  }

  /** True while not even the charter has been linearised here. */
  get empty(): boolean {
    return this.bee.core.length < 2
  }

  /** Runs `read` on the confirmed view, or on the applied one. Null when nothing is confirmed yet. */
  async at<T>(until: Until, read: (bee: Hyperbee) => Promise<T>): Promise<T | null> {
    if (until === 'applied') return this.empty ? null : read(this.bee)
    const length = this.base.confirmed('state')
    if (length < 2) return null
    // Blocks that are still on their way into the view's own core would move away under a snapshot. Who is the sole indexer has confirmed all.
    if (length > this.bee.core.signedLength && length === this.bee.core.length) return read(this.bee)
    const confirmed = this.bee.checkout(length)
    try {
      return await read(confirmed)
    } finally {
      await confirmed.close()
    }
  }

  /** Runs `read` on the applied and the confirmed view together; the latter is null while nothing is confirmed. */
  async both(read: (applied: Hyperbee, confirmed: Hyperbee | null) => Promise<void>): Promise<void> {
    if (this.empty) return
    const confirmed = await this.at('confirmed', async bee => {
      await read(this.bee, bee)
      return true
    })
    if (!confirmed) await read(this.bee, null)
  }

  get<T>(key: string, until: Until = 'applied'): Promise<T | null> {
    return this.at(until, bee => readState<T>(bee, key))
  }

  plugin(plugin: string, until: Until): RuleState {
    return { get: key => this.get(`p/${plugin}/${key}`, until) }
  }

  charterRow(): Promise<CharterRow | null> {
    return this.get<CharterRow>('k/charter')
  }

  async charter(): Promise<CharterState | null> {
    return this.charterRow()
  }

  async indexers(until: Until = 'applied'): Promise<string[]> {
    return (await this.get<IndexerRow>('k/indexers', until))?.writers ?? []
  }

  async members(): Promise<Member[]> {
    const indexers = await this.indexers()
    const rows = (await this.at('applied', bee => listState<Seat>(bee, 'k/m/'))) ?? []
    return Promise.all(rows.map(([writer, seat]) => this.asMember(writer, seat, indexers)))
  }

  async memberByNoise(noise: string, until: Until): Promise<Member | null> {
    const writer = await this.get<string>(`k/x/${noise}`, until)
    const seat = writer && (await this.get<Seat>(`k/m/${writer}`, until))
    return writer && seat ? this.asMember(writer, seat, await this.indexers(until)) : null
  }

  private async asMember(writer: string, seat: Seat, indexers: string[]): Promise<Member> {
    const identity = await this.get<IdentityRow>(`k/i/${seat.identity}`)
    const { noise, since } = seat
    return {
      identity: seat.identity,
      writer,
      noise,
      role: identity?.role ?? 'member',
      indexer: indexers.includes(writer),
      since,
    }
  }

  async agents(): Promise<LedgerAgent[]> {
    const rows = (await this.at('applied', bee => listState<AgentRow>(bee, 'k/a/'))) ?? []
    return rows.map(([key, row]) => asAgent(key, row))
  }

  async agent(key: string): Promise<LedgerAgent | null> {
    const row = await this.get<AgentRow>(`k/a/${key}`)
    if (row) return asAgent(key, row)
    // Of a log that was carried over: it wrote there, and may not write here.
    const carried = await this.get<CarriedAgent>(`k/c/${key}`)
    return carried && { key, ...carried, label: null, revoked: true }
  }

  async seatedAt(writer: string): Promise<number | null> {
    const row = await this.get<PrefixRow>(`k/p/${writer.slice(0, 8)}`)
    return row?.writer === writer ? row.since : null
  }

  async counter(writer: string): Promise<Counter> {
    const { length } = this.log
    const chain = this.tips.of(this.log) ?? (await readRecord(this.log, length - 1))?.chain
    const known = chain && this.counters.known(writer, chain)
    return known ?? readCounter(this.bee, this.log, writer, length)
  }

  /** Ledger time, ms: as apply computes it. */
  async time(): Promise<number> {
    const indexers = await this.get<IndexerRow>('k/indexers')
    let time = indexers?.floor ?? 0
    for (const writer of indexers?.writers ?? []) time = Math.max(time, (await this.counter(writer))[2])
    return time
  }
}

function asAgent(key: string, row: AgentRow): LedgerAgent {
  return { key, name: row.name, identity: row.identity, label: row.label ?? null, revoked: row.revoked }
}
