/**
 * apply: (entry, state, charter) → (verdict, state writes). Pure: no clock, no randomness, no I/O beside the two views, no locale.
 * It must answer the same bytes on every machine, so nothing local may change what it accepts, and nothing in an entry may make it throw.
 */
import type { ApplyHost, ApplyNode } from 'autobase'
import type Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { doorTopic } from '../replication/topics.ts'
import type { RuleContext, RuledEntry, WritableRuleState } from '../rules.ts'
import type { CarriedAgent } from './carried.ts'
import type { CharterRow } from './charter.ts'
import { Counters } from './counters.ts'
import { ACCEPTED, type Entry, type LogRecord } from './entry.ts'
import { decodeEntry, entryId, IMPORT, jsonOf, limits, verifyEntry } from './envelope.ts'
import { CHARTER, foundPact, isKernelType, type Judging, kernelJudges, type RefoundedRow } from './kernel-types.ts'
import { carryRecord, chainOf, decodeRecord, encodeRecord, malformedId, ZERO } from './record.ts'
import { ownerOf, PLUGIN_FAULT, type RuleSet, refusalCode } from './rule-set.ts'
import type { AgentRow, IdentityRow, IndexerRow, Seat } from './seats.ts'
import { StateReadError, StateWriter } from './state.ts'
import type { Tips } from './tips.ts'

export interface Views {
  log: Hypercore
  state: Hyperbee
}

export interface ApplyObserver {
  /** A record was linearised, or linearised anew after a reorder. */
  onrecord(record: LogRecord): void
  /** True when this process signed exactly these bytes: their signature need not be verified again. */
  signedHere(bytes: Buffer): boolean
  /** For a machine that lacks rules: whether views are at hand in which others have judged what it cannot. */
  passesBy(): Promise<boolean>
}

/** A reason to stop applying on this machine only: the ledger is fine, this machine cannot judge it. */
export function missingRules(row: CharterRow, rules: RuleSet): { reason: string; cure: string } | null {
  for (const { plugin, protocol } of row.charter.rules) {
    const installed = rules.get(plugin)
    if (installed?.rules.protocol === protocol) continue
    const have = installed ? `this machine has protocol ${installed.rules.protocol}` : 'it is not installed here'
    return {
      reason: `the charter requires the rules of plugin "${plugin}", protocol ${protocol}; ${have}.`,
      cure: `Add a version of the plugin "${plugin}" with protocol ${protocol} to \`plugins\` in openpact.config and restart the daemon.`,
    }
  }
  return null
}

/** Why applying stopped, out of the words that it was stopped with: the cure, if one is known, is the second line. */
export function interruption(words: string): { reason: string; cure: string } {
  const [reason = words, cure = 'Run `openpact doctor`.'] = words.split('\n')
  return { reason, cure }
}

export class Applier {
  private readonly state = new StateWriter()
  readonly counters = new Counters()
  private readonly rules: RuleSet
  private readonly tips: Tips
  private readonly observer: ApplyObserver

  constructor(rules: RuleSet, tips: Tips, observer: ApplyObserver) {
    this.rules = rules
    this.tips = tips
    this.observer = observer
  }

  /** Autobase's `apply`: one call per batch of one writer. */
  async apply(nodes: ApplyNode[], view: Views, host: ApplyHost): Promise<void> {
    const first = nodes[0]
    if (!first) return
    const length = view.log.length
    let chain = length > 0 ? await this.tip(view.log) : ZERO
    this.state.begin(view.state, chain)
    await this.counters.begin(this.state, view.log, chain)

    const writer = first.from.key
    const counter = await this.counters.row(this.state, writer)
    const batch = new Batch(this.state, this.counters, this.rules, host, writer)
    const blocks: Buffer[] = []
    for (const node of nodes) {
      const position = length + blocks.length
      const bytes = node.value
      const entry = decodeEntry(bytes)
      // Skipping what was seen keeps a batch that Autobase applies twice after a crash without a trace.
      if (entry ? entry.n <= counter[0] : node.length <= counter[1]) continue
      const n = entry ? entry.n : node.length
      this.counters.count(counter, { writer, n, entry })
      const signed = (e: Entry) => this.observer.signedHere(bytes) || verifyEntry(bytes, e, host.key, writer)
      const verdict = entry
        ? await batch.judge(entry, await this.charterRow(host), position, () => signed(entry))
        : bytes.length > limits.entry
          ? 'too-large'
          : 'malformed'
      const record = encodeRecord({ writer, n, verdict, bytes, entry }, chain)
      chain = record.chain
      blocks.push(record.block)
      const id = entry ? entryId(writer, n) : malformedId(writer, n)
      this.observer.onrecord({ position, chain, writer, n, id, verdict, entry, size: bytes.length, hash: record.hash })
      for (const found of batch.takeCarried()) {
        const placed = carryRecord(found.block, found.record, found.pact, chain)
        chain = placed.chain
        const carried = decodeRecord(length + blocks.length, placed.block)
        blocks.push(placed.block)
        await batch.reduceCarried(carried, found.time)
        this.observer.onrecord(carried)
      }
    }
    this.counters.end(this.state, length, length + blocks.length, chain)
    if (blocks.length > 0) {
      await view.log.append(blocks)
      this.tips.remember(view.log, chain)
    }
    await this.state.flush(chain)
  }

  /** The charter that the next entry is judged by. Ends applying on this machine when it lacks rules of it. */
  private async charterRow(host: ApplyHost): Promise<CharterRow | null> {
    const row = await this.state.get<CharterRow>('k/charter')
    const missing = row && missingRules(row, this.rules)
    if (!missing) return row
    if (await this.observer.passesBy()) throw new Error('others have judged what comes next')
    return host.interrupt(`${missing.reason}\n${missing.cure}`)
  }

  private async tip(log: Hypercore): Promise<Buffer> {
    return this.tips.of(log) ?? Buffer.from(chainOf((await log.get(log.length - 1)) as Buffer))
  }
}

/** The judging of one batch of one writer. */
class Batch {
  private readonly state: StateWriter
  private readonly counters: Counters
  private readonly rules: RuleSet
  private readonly host: ApplyHost
  private readonly key: Buffer
  private readonly writer: string
  private readonly door: Buffer
  private readonly carried: Judging['carried'] = []
  private refounded: RefoundedRow | null = null

  constructor(state: StateWriter, counters: Counters, rules: RuleSet, host: ApplyHost, key: Buffer) {
    this.state = state
    this.counters = counters
    this.rules = rules
    this.host = host
    this.key = key
    this.writer = key.toString('hex')
    this.door = doorTopic(host.key)
  }

  /** Answers the verdict; the entry's state writes stay only when it was accepted. */
  async judge(entry: Entry, row: CharterRow | null, position: number, signed: () => boolean): Promise<string> {
    if (!row) {
      if (entry.type !== CHARTER) return 'no-charter'
      if (!signed()) return 'bad-signature'
      return this.guarded('kernel', () =>
        foundPact(
          jsonOf(entry),
          { writer: this.writer, agent: entry.agent.toString('hex') },
          this.judging(position, 0),
        ),
      )
    }
    if (!signed()) return 'bad-signature'
    const seat = await this.state.get<Seat>(`k/m/${this.writer}`)
    if (!seat) return 'not-a-member'
    const agentKey = entry.agent.toString('hex')
    const agent = await this.state.get<AgentRow>(`k/a/${agentKey}`)
    if (!agent || agent.identity !== seat.identity) return 'agent-unknown'
    if (agent.revoked) return 'agent-revoked'
    const identity = (await this.state.get<IdentityRow>(`k/i/${seat.identity}`)) as IdentityRow
    const indexers = (await this.state.get<IndexerRow>('k/indexers')) as IndexerRow
    const indexer = indexers.writers.includes(this.writer)
    const time = await this.time(indexers)
    if (entry.type === CHARTER) return 'charter-exists'

    const { charter } = row
    const judge = kernelJudges.get(entry.type)
    if (!judge && charter.types && !charter.types.includes(entry.type)) return 'type-not-allowed'
    if (!judge && entry.payload.length > charter.quotas.payload_bytes) return 'payload-too-large'
    const owner = judge ? null : ownerOf(this.rules, charter.rules, entry.type)
    const ruled = judge !== undefined || owner !== null
    const payload = entry.type === IMPORT ? entry.payload : ruled ? jsonOf(entry) : undefined
    if (ruled && payload === undefined) return 'payload-invalid'

    const shown: RuledEntry = {
      id: entryId(this.key, entry.n),
      type: entry.type,
      v: entry.v,
      topic: entry.topic,
      timestamp: entry.timestamp,
      payload: undefined,
      refs: entry.refs,
      agent: agentKey,
      identity: seat.identity,
      writer: this.writer,
      admin: identity.role === 'admin',
    }
    const own = { ...shown, payload }
    const contextFor = (plugin: string) => Promise.resolve(this.context(plugin, row, time))
    for (const { plugin } of charter.rules) {
      const rule = this.rules.get(plugin)
      const isOwner = rule === owner
      if (!rule || isKernelType(entry.type) || !(isOwner || rule.rules.judgesAll)) continue
      const context = this.context(plugin, row, time)
      const refusal = await this.guarded(plugin, async () => {
        const answer = await this.rules.validate(plugin, isOwner ? own : shown, context)
        return answer === undefined ? ACCEPTED : refusalCode(answer)
      })
      if (refusal !== ACCEPTED) return refusal
    }
    if (judge) {
      const verdict = await this.guarded('kernel', () =>
        judge(payload, {
          ...this.judging(position, time),
          row,
          indexers,
          author: { writer: this.writer, seat, identity, indexer },
          hasWritten: async writer => (await this.counters.row(this.state, Buffer.from(writer, 'hex')))[0] > 0,
          contextFor,
        } satisfies Judging),
      )
      if (verdict !== ACCEPTED) this.carried.length = 0
      if (entry.type === IMPORT) this.refounded = await this.state.get<RefoundedRow>('k/refounded')
      return verdict
    }
    if (!owner) return ACCEPTED
    return this.guarded(owner.plugin, async () => {
      await this.rules.reduce(owner.plugin, own, this.context(owner.plugin, row, time))
      return ACCEPTED
    })
  }

  private judging(position: number, time: number) {
    const { state, host, rules, door, carried } = this
    return { state, host, rules, door, position, time, carried }
  }

  /** What the entry that was just accepted carries over; nothing when it was refused. */
  takeCarried(): (Judging['carried'][number] & { pact: Buffer })[] {
    const { pact } = this.refounded ?? {}
    return pact ? this.carried.splice(0).map(found => ({ ...found, pact: Buffer.from(pact, 'hex') })) : []
  }

  /**
   * Lets the rule that owns an accepted entry bring its state on, where it asks for that. Its verdict stays what it was.
   * @param time ledger time as it was there, ms
   */
  async reduceCarried({ entry, verdict, id, writer }: LogRecord, time: number): Promise<void> {
    const row = await this.state.get<CharterRow>('k/charter')
    const owner = entry && row && verdict === ACCEPTED ? ownerOf(this.rules, row.charter.rules, entry.type) : null
    if (!entry || !row || !owner?.rules.carries) return
    const agent = entry.agent.toString('hex')
    const known = await this.state.get<CarriedAgent>(`k/c/${agent}`)
    const { type, v, topic, timestamp, refs } = entry
    const shown = { id, type, v, topic, timestamp, refs, agent, identity: known?.identity ?? '' }
    // It was accepted there: whatever it took to be an admin was shown.
    const own = { ...shown, payload: jsonOf(entry), writer: writer.toString('hex'), admin: true }
    await this.guarded(owner.plugin, async () => {
      await this.rules.reduce(owner.plugin, own, this.context(owner.plugin, row, time))
      return ACCEPTED
    })
  }

  /** Ledger time: the highest timestamp among the indexers' entries, this one's included. */
  private async time(indexers: IndexerRow): Promise<number> {
    let time = indexers.floor
    for (const writer of indexers.writers) {
      const counter = await this.counters.row(this.state, Buffer.from(writer, 'hex'))
      time = Math.max(time, counter[2])
    }
    return time
  }

  /**
   * Runs a judgement. An ordinary throw is the plugin's fault and the same everywhere: verdict `plugin-fault`, writes dropped.
   * A RangeError (stack, memory) or a view that cannot be read depends on this machine: that stops applying here only.
   */
  private async guarded(plugin: string, run: () => string | Promise<string>): Promise<string> {
    this.state.mark()
    try {
      const verdict = await run()
      if (this.readFault) throw this.readFault
      if (verdict === ACCEPTED) this.state.keep()
      else this.state.drop()
      return verdict
    } catch (error) {
      this.state.drop()
      if (this.readFault) throw this.readFault
      if (error instanceof StateReadError) throw error
      if (error instanceof RangeError)
        this.host.interrupt(`the rules of "${plugin}" ran out of this machine's limits: ${error.message}.`)
      if (plugin === 'kernel') throw error
      return PLUGIN_FAULT
    }
  }

  /** Kept so that a rule that swallows a failed read cannot turn it into a verdict. */
  private readFault: StateReadError | null = null

  private context(plugin: string, row: CharterRow, time: number): RuleContext & { state: WritableRuleState } {
    const { state } = this
    const prefix = `p/${plugin}/`
    return {
      settings: row.charter.rules.find(r => r.plugin === plugin)?.settings,
      time,
      invites: row.charter.invites,
      door: this.door,
      state: {
        get: async <T>(key: string) => {
          try {
            return await state.get<T>(prefix + key)
          } catch (error) {
            if (error instanceof StateReadError) this.readFault = error
            throw error
          }
        },
        put: async (key: string, value: unknown) => state.put(prefix + key, value),
        delete: async (key: string) => state.delete(prefix + key),
      },
      seated: async (identity: string) => (await state.get(`k/i/${identity}`)) !== null,
    }
  }
}
