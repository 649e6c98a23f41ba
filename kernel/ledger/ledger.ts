/** One pact on this machine: its Autobase, the way in (writer), the ways out (delta, record, state) and its life. */
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type Corestore from 'corestore'
import { isDiskFull } from '../disk.ts'
import { OpenPactError } from '../errors.ts'
import { handleOf } from '../identity/handle.ts'
import type { AppendOptions, Channel, ChannelHandlers, Checkpoint, Delta, Pact, PactStatus } from '../pact.ts'
import type { Logger } from '../plugin.ts'
import type { Replicated, Standing } from '../replication/replicated.ts'
import { pactId } from '../replication/topics.ts'
import type { RuleState } from '../rules.ts'
import { Admittance } from './admittance.ts'
import { Applier, missingRules } from './apply.ts'
import { quorum } from './charter.ts'
import { LedgerClock } from './clock.ts'
import { ACCEPTED, type Draft, type LogRecord, type Receipt, type Until } from './entry.ts'
import { deltaOf, RecentRecords, readBlock, readRecord } from './follower.ts'
import { HealthWatch } from './health.ts'
import { closeQuiesced } from './mends.ts'
import { forgiveOvertaken } from './overtaken.ts'
import { PowerLoss } from './power-loss.ts'
import { Pump } from './pump.ts'
import { StateReader } from './reading.ts'
import { ZERO } from './record.ts'
import type { Application } from './seats.ts'
import { coresOf, download, isComplete, statusOf } from './status.ts'
import { Tips } from './tips.ts'
import { type Base, openBase } from './views.ts'
import { Writer, type WriterHost } from './writer.ts'

/** What a ledger needs from around it. */
export interface LedgerHost extends WriterHost {
  log: Logger
  applied(pact: Pact, records: LogRecord[]): Promise<void>
  reverted(pact: Pact, position: number): Promise<void>
  confirmed(pact: Pact, length: number): Promise<void>
  refuses(pact: Pact, noise: Buffer): Promise<string | undefined>
}

/** What replication does for an open pact. */
export interface PactLinks {
  peers(): PactStatus['peers']
  channel(name: string, handlers: ChannelHandlers): Channel
}

export interface LedgerOptions {
  store: Corestore
  /** Null founds a pact; the charter must then be the first thing appended. */
  key: Buffer | null
  encryptionKey: Buffer
  alias: string
  /** The pact's own folder: the gate keeps its seats there. */
  folder: string
  /** Told when the base stopped by itself: the ledger must be closed and opened again, at once or after some ms. */
  onfailure(delay?: number): void
  /** Told when the own core was fetched back or replaced after a power loss: answers the ledger that takes this one's place. */
  onrecovered(): Promise<Pact | null>
  fastForward?: boolean
}

/** ms that the first look at what was not yet linearised may take before the pact is opened without it. */
const CATCH_UP_LIMIT = 10_000
/** The same where history is missing, or rules, so that others must help. */
const SPARSE_LIMIT = 500
/** ms before a pact whose next entry cannot be judged here is opened again. */
const RETRY_JUDGING = 30_000
/** ms for which a log that seems to be another history is looked at again before that is believed, and between two looks. */
const LOOK_LIMIT = 10_000
const BETWEEN_LOOKS = 200

export class Ledger implements Pact, Replicated {
  alias: string
  readonly encryptionKey: Buffer
  readonly cores: Corestore
  readonly base: Base
  readonly reader: StateReader
  readonly health: HealthWatch
  links: PactLinks | null = null
  closed = false
  /** Why the base stopped by itself, if it did. */
  failure: Error | null = null

  private readonly host: LedgerHost
  private readonly folder: string
  private readonly onfailure: LedgerOptions['onfailure']
  private readonly tips = new Tips()
  private readonly recent = new RecentRecords(this.tips)
  private readonly writing: Writer
  private readonly admittance: Admittance
  private readonly pump: Pump
  private readonly clock: LedgerClock
  readonly powerLoss: PowerLoss
  private downloading: Promise<void> | null = null
  private publicId = ''

  constructor(host: LedgerHost, options: LedgerOptions) {
    this.host = host
    this.folder = options.folder
    this.onfailure = options.onfailure
    this.alias = options.alias
    this.encryptionKey = options.encryptionKey
    this.cores = options.store
    const applier = new Applier(host.rules, this.tips, {
      onrecord: record => this.onrecord(record),
      signedHere: bytes => this.writing.signedHere(bytes),
      passesBy: () => this.base.passesBy(),
    })
    this.base = openBase(options.store, {
      key: options.key,
      encryptionKey: options.encryptionKey,
      fastForward: options.fastForward,
      apply: (nodes, views, applyHost) => applier.apply(nodes, views, applyHost),
    })
    this.reader = new StateReader(this.base, applier.counters, this.tips)
    this.writing = new Writer(this, this.base, this.reader, options.folder, host, () => this.pump.run())
    this.admittance = new Admittance(this.base, this.reader, join(options.folder, 'seats.json'), host.log)
    this.pump = new Pump({
      delta: (checkpoints, limit) => this.delta(checkpoints, limit),
      reverted: position => this.onreverted(position),
      applied: records => this.onapplied(records),
      confirmed: length => this.onconfirmed(length),
      checkpoint: position => this.checkpoint(position),
    })
    this.clock = new LedgerClock({
      indexer: async () => (await this.reader.indexers()).includes(this.writer.toString('hex')),
      time: () => this.time(),
      tick: async () => void (await this.append([{ type: 'tick', payload: {} }])),
    })
    this.health = new HealthWatch(this.base, host.log)
    this.powerLoss = new PowerLoss({
      store: options.store,
      folder: options.folder,
      base: this.base,
      reader: this.reader,
      identity: host.identity,
      log: host.log,
      standing: noise => this.standing(noise),
      reopen: () => options.onrecovered(),
      pact: () => this.alias,
    })
  }

  async open(): Promise<void> {
    this.base.on('error', error => {
      this.failure = error as Error
      this.host.log.error('ledger stopped', { pact: this.alias, reason: this.failure.message })
      this.onfailure()
    })
    // Others may have signed what could not be judged; an opened base finds their views, also when they moved to other cores.
    this.base.on('interrupt', () => this.closed || this.onfailure(RETRY_JUDGING))
    await this.base.ready()
    for (const core of coresOf(this.base)) forgiveOvertaken(core)
    await this.admittance.gate.load()
    // After a fast-forward blocks may be missing, and nobody is connected yet: waiting for them here would be in vain.
    let complete = await isComplete(this.base)
    // `ready` does not catch up; this does.
    const row = complete && (await this.reader.charterRow())
    const helped = !complete || (row && missingRules(row, this.host.rules))
    await this.updated(helped ? SPARSE_LIMIT : CATCH_UP_LIMIT)
    complete = await isComplete(this.base)
    if (this.admittance.gate.known && this.reader.empty && this.base.local.length === 0)
      throw new OpenPactError('PACT_CORRUPT', { pact: this.id, reason: 'its store is empty, although it held entries' })
    this.base.seal()
    await this.writing.resume(complete)
    await this.pump.startAt(this.length, this.confirmed)
    this.writing.receipts.settle(this.confirmed)
    this.base.on('flushed', () => {
      // Before anything is confirmed, what came from others is looked at with the update, when what confirms it is in the views as well:
      // whom the confirmed state does not know is a stranger.
      if (this.writing.flushed() || this.confirmed > 0) this.follow(pump => pump.moved())
    })
    this.base.on('update', () => this.movedOn())
    // What apply wrote last says nothing about a view that came from others.
    this.base.on('fast-forward', () => this.recent.clear())
    this.health.start()
    await this.powerLoss.start()
    const seats = this.admittance.catchUp(this.confirmed)
    if (complete) await seats
    // Of before the last stop: the plugin that it needs may be here only now.
    this.answerProposal()
    this.keepDownloading()
  }

  get id(): string {
    // Hashed once: it is asked for with every request.
    this.publicId ||= pactId(this.key)
    return this.publicId
  }
  get key(): Buffer {
    return this.base.key
  }
  get writer(): Buffer {
    return this.base.local.key
  }
  /** Noise key of this machine. */
  get device(): Buffer {
    return this.host.identity.device
  }
  get length(): number {
    return this.base.view.log.length
  }
  get confirmed(): number {
    return this.base.confirmed('log')
  }

  async append(drafts: Draft[], options: AppendOptions = {}): Promise<Receipt[]> {
    if (this.failure && !this.closed) {
      if (await isDiskFull(this.folder, this.failure)) throw new OpenPactError('DISK_FULL')
      const reason = `${this.failure.message}; it is being opened again`
      throw new OpenPactError('PACT_UNHEALTHY', { pact: this.alias, reason })
    }
    const removed = this.admittance.gate.dismissed && (await this.removal())
    if (removed) throw new OpenPactError('MEMBER_REMOVED', { pact: this.alias, words: removed })
    const successor = await this.powerLoss.settled()
    if (successor) return successor.append(drafts, options)
    return this.writing.append(drafts, options)
  }

  receipt(id: string): Receipt | null {
    const [writer, n] = id.split('-')
    return writer === this.writer.toString('hex', 0, 4) ? this.writing.receipts.get(Number(n)) : null
  }

  orphans(): Promise<LogRecord[]> {
    return this.writing.orphans()
  }

  record(position: number): Promise<LogRecord | null> {
    return readRecord(this.base.view.log, position)
  }
  block(position: number): Promise<Buffer | null> {
    return readBlock(this.base.view.log, position)
  }
  async delta(checkpoints: Iterable<Checkpoint>, limit = 1024): Promise<Delta> {
    const seen: Checkpoint[] = []
    const noted = function* () {
      for (const checkpoint of checkpoints) {
        seen.push(checkpoint)
        yield checkpoint
      }
    }
    const until = Date.now() + LOOK_LIMIT
    for (let first = true; ; first = false) {
      const delta = await deltaOf(this.base.view.log, this.confirmed, this.recent, first ? noted() : seen, limit)
      const lowest = seen.at(-1)?.position ?? 0
      const settled = lowest <= this.writing.receipts.confirmed
      if (delta.missing || delta.common >= lowest || !settled || Date.now() > until || this.closed) return delta
      // What was confirmed never moves, and yet it does not hold. The views may be moving to other cores (the indexers changed): again when
      // they stand.
      await this.updated(SPARSE_LIMIT)
      await pause(BETWEEN_LOOKS)
    }
  }

  state(plugin: string, at: Until = 'applied'): RuleState {
    return this.reader.plugin(plugin, at)
  }
  charter() {
    return this.reader.charter()
  }
  members() {
    return this.reader.members()
  }
  memberByNoise(noise: string, at: Until = 'applied') {
    return this.reader.memberByNoise(noise, at)
  }
  agents() {
    return this.reader.agents()
  }
  agentByKey(key: string) {
    return this.reader.agent(key)
  }
  time() {
    return this.reader.time()
  }
  wakeAt(timestamp: number, wanted?: () => boolean): void {
    this.clock.wakeAt(timestamp, wanted)
  }

  channel(name: string, handlers: ChannelHandlers): Channel {
    if (!this.links) throw new OpenPactError('PACT_CLOSED', { pact: this.alias })
    return this.links.channel(name, handlers)
  }

  status(): Promise<PactStatus> {
    return statusOf(this, this.host.rules)
  }

  async removal(): Promise<string> {
    if ((await this.standing(this.host.identity.device)) === 'removed')
      return 'This machine was removed from the pact: it keeps what it has, and gets and writes nothing more.'
    // Who is served by anybody is a member, whatever one of them says.
    const served = this.links?.peers().some(({ tunnel }) => tunnel)
    const by = served ? null : this.admittance.gate.dismissed
    const agent = by && (await this.agents()).find(({ identity }) => identity === by)
    const who = agent ? handleOf(agent.name, agent.key) : by?.slice(0, 8)
    return who ? `${who} says that this machine was removed from the pact: it gets nothing more from there.` : ''
  }

  reseating(): Promise<Application | null> {
    return this.powerLoss.application()
  }

  async download(progress?: (have: number, of: number) => void, signal?: AbortSignal): Promise<void> {
    await download(this.base, progress, signal)
    await this.pump.fetched()
  }

  // What the network asks (Replicated).

  replicate(isInitiator: boolean, remote?: Buffer): Duplex {
    const noise = remote?.toString('hex') ?? ''
    this.dismissed(null)
    return this.powerLoss.meet(noise, () => this.base.replicate(isInitiator, { keepAlive: false }))
  }
  async standing(noise: Buffer): Promise<Standing> {
    return this.admittance.gate.standing(noise)
  }
  dismissed(by: Buffer | null): void {
    this.admittance.gate.dismiss(by)
  }
  identityOf(noise: Buffer): string | null {
    return this.admittance.gate.identityOf(noise)
  }
  admissionChain(): Promise<Buffer> {
    return this.admittance.ownChain()
  }
  vouches(chain: Buffer, noise: Buffer): Promise<boolean> {
    return this.admittance.vouches(chain, noise)
  }
  refuses(noise: Buffer): Promise<string | undefined> {
    return this.host.refuses(this, noise)
  }
  onChange(fn: () => void): () => void {
    return this.admittance.onChange(fn)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.clock.close()
    this.health.stop()
    // Nor does it wait for what others have signed.
    this.base.fastForwardEnabled = false
    this.writing.receipts.close()
    await this.powerLoss.release()
    await closeQuiesced(this.base, { appends: [this.writing.idle()] })
    await this.powerLoss.close()
  }

  /** Resolves when the base stands still, or after `limit` ms: it may need blocks that nobody here has. */
  private async updated(limit: number): Promise<void> {
    if (!this.base.interrupted) await Promise.race([this.base.update(), pause(limit, undefined, { ref: false })])
  }

  private async checkpoint(wanted: number): Promise<Checkpoint | null> {
    const position = Math.min(wanted, this.length)
    if (position === 0) return { position, chain: ZERO }
    const record = await this.record(position - 1)
    return record && { position, chain: record.chain }
  }

  private onrecord(record: LogRecord): void {
    this.recent.add(record)
    if (record.writer.equals(this.writer)) this.writing.receipts.add(record)
  }

  private movedOn(): void {
    this.follow(pump => pump.moved())
    this.keepDownloading()
  }

  private follow(tell: (pump: Pump) => Promise<void>): void {
    if (this.closed) return
    tell(this.pump).catch(error =>
      this.host.log.error('a follower of the ledger failed', { pact: this.alias, reason: String(error) }),
    )
  }

  private async onreverted(position: number): Promise<void> {
    this.admittance.moved()
    this.writing.charterMoved()
    this.writing.receipts.revert(position)
    await this.host.reverted(this, position)
  }

  private async onapplied(records: LogRecord[]): Promise<void> {
    // None means that the view moved on without its blocks: anything may have changed.
    if (records.length === 0) this.admittance.moved()
    this.writing.onrecords(records)
    for (const record of records) {
      this.admittance.onrecord(record)
      if (record.entry?.type === 'tick' && record.verdict === ACCEPTED) this.clock.onTick(record.entry.timestamp)
    }
    await this.admittance.catchUp(this.confirmed)
    await this.host.applied(this, records)
    if (records.some(r => /^pact\.(amend|indexers)$/.test(r.entry?.type ?? ''))) this.answerProposal()
  }

  private async onconfirmed(length: number): Promise<void> {
    await this.admittance.catchUp(length)
    this.powerLoss.moreConfirmed()
    await this.host.confirmed(this, length)
    // Last: who waited for it reads what the hooks have made of it.
    this.writing.receipts.settle(length)
  }

  /** An indexer that has the proposed rules says so; a proposal that it cannot run is met with silence. */
  private answerProposal(): void {
    const answer = async () => {
      const row = await this.reader.charterRow()
      const me = this.writer.toString('hex')
      const indexers = await this.reader.indexers()
      if (!row?.proposed || !indexers.includes(me)) return
      // Ready ones that are a quorum only since the indexers changed wait for one to say it again.
      const ready = row.proposed.ready.filter(writer => indexers.includes(writer))
      if (ready.includes(me) && ready.length < quorum(indexers.length)) return
      if (missingRules({ ...row, charter: row.proposed.charter }, this.host.rules)) return
      await this.append([{ type: 'pact.ready', payload: { proposal: row.proposed.hash } }])
    }
    // Not awaited: it is an append, and we are inside the pump that appends wait for.
    setImmediate(() => {
      answer().catch(error =>
        this.host.log.warn('cannot answer a proposal', { pact: this.alias, reason: String(error) }),
      )
    })
  }

  /** After a fast-forward only the newest blocks are here; the rest is fetched in the background. */
  private keepDownloading(): void {
    if (this.downloading || this.closed) return
    const fetch = async () => {
      if (await isComplete(this.base)) return
      await download(this.base, () => this.follow(pump => pump.fetched()))
      if (!this.closed) await this.pump.fetched()
    }
    this.downloading = fetch()
      .catch(error => this.host.log.debug('history cannot be fetched', { pact: this.alias, reason: String(error) }))
      .finally(() => {
        this.downloading = null
      })
  }
}
