/** One pact on this machine: its Autobase, the way in (append), the ways out (delta, record, state) and its life. */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import { isOpenPactError, OpenPactError } from '../errors.ts'
import type { Author } from '../hooks.ts'
import type { Identity } from '../kernel.ts'
import type { AppendOptions, Channel, ChannelPeer, Checkpoint, Delta, Pact, PactStatus } from '../pact.ts'
import type { Logger } from '../plugin.ts'
import type { Replicated, Standing } from '../replication/replicated.ts'
import { doorTopic } from '../replication/topics.ts'
import type { RuleState } from '../rules.ts'
import { Applier, missingRules } from './apply.ts'
import { LedgerClock } from './clock.ts'
import { type DraftingHost, type Prepared, prepare, sizeOf } from './drafting.ts'
import { ACCEPTED, type Draft, type LogRecord, type Receipt, type Until } from './entry.ts'
import { decodeEntry, encodeEntry, entryId } from './envelope.ts'
import { deltaOf, RecentRecords, readRecord } from './follower.ts'
import { Gate } from './gate.ts'
import { HealthWatch } from './health.ts'
import { closeQuiesced } from './mends.ts'
import { Pump } from './pump.ts'
import { AppendQueue } from './queue.ts'
import { StateReader } from './reading.ts'
import { Receipts } from './receipts.ts'
import type { RuleSet } from './rule-set.ts'
import { download, isComplete, statusOf } from './status.ts'
import { type Base, openBase } from './views.ts'
import { buildChain, type ChainSource, chainVouches } from './vouching.ts'

/** What a ledger needs from around it. */
export interface LedgerHost extends DraftingHost {
  identity: Identity
  rules: RuleSet
  log: Logger
  applied(pact: Pact, records: LogRecord[]): Promise<void>
  reverted(pact: Pact, position: number): Promise<void>
  confirmed(pact: Pact, length: number): Promise<void>
  refuses(pact: Pact, noise: Buffer): Promise<string | undefined>
}

/** What replication does for an open pact. */
export interface PactLinks {
  peers(): PactStatus['peers']
  channel(name: string, onmessage: (message: Buffer, peer: ChannelPeer) => void): Channel
}

export interface LedgerOptions {
  store: Corestore
  /** Null founds a pact; the charter must then be the first thing appended. */
  key: Buffer | null
  encryptionKey: Buffer
  alias: string
  /** Where the gate keeps its seats. */
  seatsFile: string
  fastForward?: boolean
}

interface Job {
  prepared: Prepared
  agent: string
  n: number
}

const [NS_ID] = crypto.namespace('openpact/pact-id', 1) as [Buffer]
/** Types after which somebody's standing may have changed. */
const seatTypes = new Set(['pact.charter', 'member.add', 'member.remove', 'device.retire'])

/** The public id of a pact: one-way, so that showing it gives nothing away. */
export function pactId(key: Buffer): string {
  return crypto.hash([NS_ID, key]).toString('hex')
}

export class Ledger implements Pact, Replicated {
  alias: string
  readonly encryptionKey: Buffer
  readonly base: Base
  readonly reader: StateReader
  readonly health: HealthWatch
  links: PactLinks | null = null
  closed = false
  /** Why the base stopped by itself, if it did. */
  failure: Error | null = null

  private readonly host: LedgerHost
  private readonly recent = new RecentRecords()
  private readonly receipts = new Receipts()
  private readonly signed = new Set<string>()
  private readonly queue = new AppendQueue<Job>(jobs => this.write(jobs))
  private readonly pump: Pump
  private readonly clock: LedgerClock
  private readonly gate: Gate
  private readonly changes = new EventEmitter()
  private nextN = 1
  private lastTimestamp = 0
  private seatsDirty = true
  /** Confirmed length from which on the confirmed seats are what the applied ones were. */
  private seatsAt = 0
  private chain: Buffer | null = null
  private downloading: Promise<void> | null = null
  /** Rules that the charter wants and this machine lacks; undefined until read, and again when the charter may have changed. */
  private missing: ReturnType<typeof missingRules> | undefined

  constructor(host: LedgerHost, options: LedgerOptions) {
    this.host = host
    this.alias = options.alias
    this.encryptionKey = options.encryptionKey
    const applier = new Applier(host.rules, {
      onrecord: record => this.onrecord(record),
      signedHere: bytes => this.signed.delete(bytes.toString('latin1', bytes.length - 64)),
    })
    this.base = openBase(options.store, {
      key: options.key,
      encryptionKey: options.encryptionKey,
      fastForward: options.fastForward,
      apply: (nodes, views, applyHost) => applier.apply(nodes, views, applyHost),
    })
    this.reader = new StateReader(this.base.view)
    this.gate = new Gate(options.seatsFile)
    this.pump = new Pump({
      delta: (checkpoints, limit) => this.delta(checkpoints, limit),
      reverted: position => this.onreverted(position),
      applied: records => this.onapplied(records),
      confirmed: length => this.onconfirmed(length),
    })
    this.clock = new LedgerClock({
      indexer: async () => (await this.reader.indexers()).includes(this.writer.toString('hex')),
      time: () => this.time(),
      tick: async () => void (await this.append([{ type: 'tick', payload: {} }])),
    })
    this.health = new HealthWatch(this.base, host.log)
    this.changes.setMaxListeners(0)
  }

  async open(): Promise<void> {
    this.base.on('error', error => {
      this.failure = error as Error
      this.host.log.error('ledger stopped', { pact: this.alias, reason: this.failure.message })
    })
    await this.base.ready()
    await this.gate.load()
    if (!this.base.interrupted) await this.base.update()
    await this.resumeCounter()
    const head = this.length > 0 ? await this.record(this.length - 1) : null
    if (head) this.pump.startAt({ position: this.length, chain: head.chain }, this.confirmed)
    this.receipts.settle(this.confirmed)
    this.base.on('update', () => this.movedOn())
    this.base.on('fast-forward', () => this.recent.clear())
    this.health.start()
    await this.refreshGate()
    this.keepDownloading()
  }

  get id(): string {
    return pactId(this.key)
  }
  get key(): Buffer {
    return this.base.key
  }
  get writer(): Buffer {
    return this.base.local.key
  }
  get length(): number {
    return this.base.view.log.length
  }
  get confirmed(): number {
    return Math.min(this.base.view.log.signedLength, this.length)
  }

  async append(drafts: Draft[], options: AppendOptions = {}): Promise<Receipt[]> {
    await this.refuseUnlessWritable()
    const author = this.author(options.agent)
    const jobs: Job[] = []
    for (const draft of drafts)
      jobs.push({ prepared: await prepare(draft, this, author, this.host), agent: author.name, n: 0 })
    if (jobs.length === 0) return []
    await this.queue.push(
      jobs,
      jobs.reduce((sum, job) => sum + sizeOf(job.prepared), 0),
    )
    if (options.until === 'confirmed') {
      const last = (jobs.at(-1) as Job).n
      await this.receipts.confirmation(last, options.timeout ?? 10_000, options.signal)
    }
    return jobs.map(job => {
      const receipt = this.receipts.get(job.n)
      if (!receipt)
        throw new OpenPactError('REPLICATION_STALLED', { reason: 'The entry was written but is not linearised yet.' })
      return receipt
    })
  }

  receipt(id: string): Receipt | null {
    const [writer, n] = id.split('-')
    return writer === this.writer.toString('hex', 0, 4) ? this.receipts.get(Number(n)) : null
  }

  async record(position: number): Promise<LogRecord | null> {
    return readRecord(this.base.view.log, position)
  }

  delta(checkpoints: Iterable<Checkpoint>, limit = 1024): Promise<Delta> {
    return deltaOf(this.base.view.log, this.recent, checkpoints, limit)
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
  wakeAt(timestamp: number): void {
    this.clock.wakeAt(timestamp)
  }

  channel(name: string, onmessage: (message: Buffer, peer: ChannelPeer) => void): Channel {
    return this.links?.channel(name, onmessage) ?? { peers: () => [], broadcast: () => {}, close: () => {} }
  }

  status(): Promise<PactStatus> {
    return statusOf(this, this.host.rules)
  }

  async download(progress?: (have: number, of: number) => void, signal?: AbortSignal): Promise<void> {
    await download(this.base, progress, signal)
    await this.pump.run()
  }

  // ---- Replicated: what the network asks

  replicate(isInitiator: boolean): Duplex {
    return this.base.replicate(isInitiator, { keepAlive: false })
  }
  async standing(noise: Buffer): Promise<Standing> {
    return this.gate.standing(noise, this.reader.empty)
  }
  identityOf(noise: Buffer): string | null {
    return this.gate.identityOf(noise)
  }
  async admissionChain(): Promise<Buffer> {
    if (!this.chain) {
      const chain = await buildChain(this.writer, this.chainSource())
      if (chain.length === 0) return chain
      this.chain = chain
    }
    return this.chain
  }
  async vouches(chain: Buffer, noise: Buffer): Promise<boolean> {
    try {
      return await chainVouches(chain, noise, this.chainSource())
    } catch {
      return false
    }
  }
  refuses(noise: Buffer): Promise<string | undefined> {
    return this.host.refuses(this, noise)
  }
  onChange(fn: () => void): () => void {
    this.changes.on('change', fn)
    return () => this.changes.off('change', fn)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.clock.close()
    this.health.stop()
    await closeQuiesced(this.base, { appends: [this.queue.idle()] })
    await this.pump.run().catch(() => {})
  }

  // ---- writing

  private author(name: string | undefined): Author {
    const { identity } = this.host
    const agent = name === undefined ? identity.defaultAgent : identity.agent(name)
    if (!agent) throw new OpenPactError('INVALID_INPUT', { reason: `no agent called "${name}" is on this machine` })
    return { name: agent.name, key: agent.key }
  }

  private async refuseUnlessWritable(): Promise<void> {
    if (this.closed) throw new OpenPactError('PACT_CLOSED', { pact: this.alias })
    if (this.failure) throw new OpenPactError('PACT_UNHEALTHY', { pact: this.alias, reason: this.failure.message })
    if (this.missing === undefined) {
      const row = await this.reader.charterRow()
      this.missing = row && missingRules(row, this.host.rules)
    }
    if (this.missing) throw new OpenPactError('PACT_INTERRUPTED', { pact: this.alias, ...this.missing })
    if (this.base.interrupted)
      throw new OpenPactError('PACT_INTERRUPTED', {
        pact: this.alias,
        reason: this.base.interrupted,
        cure: 'Restart the daemon.',
      })
    if (!this.base.writable)
      throw new OpenPactError('NOT_WRITABLE', {
        pact: this.alias,
        reason: 'its seat is gone or has not reached this machine yet',
      })
  }

  /** Numbers, signs and appends a batch; resolves when every entry of it can be read. */
  private async write(jobs: Job[]): Promise<void> {
    const first = this.nextN
    const blocks = jobs.map(job => {
      job.n = this.nextN++
      this.lastTimestamp = Math.max(this.lastTimestamp, job.prepared.timestamp ?? Date.now())
      const fields = { ...job.prepared, n: job.n, timestamp: job.prepared.timestamp ?? this.lastTimestamp }
      const { bytes } = encodeEntry(fields, this.key, this.writer, message =>
        this.host.identity.sign(job.agent, message),
      )
      this.signed.add(bytes.toString('latin1', bytes.length - 64))
      return bytes
    })
    try {
      await this.base.append(blocks)
    } catch (error) {
      this.nextN = first
      throw this.appendError(error)
    } finally {
      this.signed.clear()
    }
    await this.pump.run()
  }

  private appendError(error: unknown): Error {
    if (isOpenPactError(error)) return error
    const reason = error instanceof Error ? error.message : String(error)
    if (/no space left|ENOSPC/i.test(reason)) return new OpenPactError('DISK_FULL', {}, { cause: error })
    if (this.base.interrupted)
      return new OpenPactError('PACT_INTERRUPTED', {
        pact: this.alias,
        reason: this.base.interrupted,
        cure: 'Run `openpact doctor`.',
      })
    if (/closing/i.test(reason)) return new OpenPactError('PACT_CLOSED', { pact: this.alias }, { cause: error })
    if (/not writable/i.test(reason))
      return new OpenPactError(
        'NOT_WRITABLE',
        { pact: this.alias, reason: 'it is no longer a member' },
        { cause: error },
      )
    return new OpenPactError('PACT_UNHEALTHY', { pact: this.alias, reason }, { cause: error })
  }

  /** Goes on counting after the newest entry in the own core, whether or not it was linearised before the last stop. */
  private async resumeCounter(): Promise<void> {
    let last = this.reader.empty ? 0 : (await this.reader.counter(this.writer.toString('hex')))[0]
    const { local } = this.base
    for (let i = local.length - 1; i >= Math.max(0, local.length - 64); i--) {
      const block = (await local.get(i)) as unknown as { node: { value: Buffer | null } | null } | null
      const entry = block?.node?.value ? decodeEntry(block.node.value) : null
      if (!entry) continue
      last = Math.max(last, entry.n)
      this.lastTimestamp = entry.timestamp
      break
    }
    this.nextN = last + 1
  }

  // ---- following

  private onrecord(record: LogRecord): void {
    this.recent.add(record)
    if (record.writer.equals(this.writer)) this.receipts.add(record)
    if (record.entry && record.verdict === ACCEPTED && seatTypes.has(record.entry.type)) {
      this.seatsDirty = true
      this.seatsAt = record.position + 1
    }
  }

  private movedOn(): void {
    if (this.closed) return
    this.pump
      .run()
      .catch(error =>
        this.host.log.error('a follower of the ledger failed', { pact: this.alias, reason: String(error) }),
      )
    this.keepDownloading()
  }

  private async onreverted(position: number): Promise<void> {
    this.seatsDirty = true
    this.missing = undefined
    await this.host.reverted(this, position)
  }

  private async onapplied(records: LogRecord[]): Promise<void> {
    if (records.length === 0) this.seatsDirty = true
    if (records.length === 0 || records.some(r => r.entry?.type.startsWith('pact.'))) this.missing = undefined
    if (this.seatsDirty) await this.refreshGate()
    await this.host.applied(this, records)
    if (records.some(r => r.entry?.type === 'pact.amend')) this.answerProposal()
  }

  private async onconfirmed(length: number): Promise<void> {
    this.receipts.settle(length)
    if (this.seatsAt > 0 && length >= this.seatsAt) {
      this.seatsAt = 0
      await this.refreshGate()
    }
    await this.host.confirmed(this, length)
  }

  private async refreshGate(): Promise<void> {
    try {
      await this.reader.at('applied', async applied => {
        const confirmed = await this.reader.at('confirmed', bee => Promise.resolve(bee.version))
        const bee = confirmed ? applied.checkout(confirmed) : null
        await this.gate.refresh(applied, bee)
        await bee?.close()
      })
      this.seatsDirty = false
    } catch {
      // A block of the view is not here yet: the seats known so far stay, the next movement tries again.
    }
    this.changes.emit('change')
  }

  /** An indexer that has the proposed rules says so; a proposal that it cannot run is met with silence. */
  private answerProposal(): void {
    const answer = async () => {
      const row = await this.reader.charterRow()
      const me = this.writer.toString('hex')
      if (!row?.proposed || row.proposed.ready.includes(me) || !(await this.reader.indexers()).includes(me)) return
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
    this.downloading = isComplete(this.base)
      .then(async complete => {
        if (complete) return
        await download(this.base, () => void this.pump.run().catch(() => {}))
        if (!this.closed) await this.pump.run()
      })
      .catch(() => {})
      .finally(() => {
        this.downloading = null
      })
  }

  private chainSource(): ChainSource {
    return {
      pactKey: this.key,
      door: doorTopic(this.key),
      seatedAt: writer => this.reader.seatedAt(writer),
      recordAt: async position => {
        const record = await this.record(position)
        if (!record?.entry) return null
        const { bytes } = encodeEntry(record.entry, this.key, record.writer, () => record.entry?.signature as Buffer)
        return { record, bytes }
      },
      knows: async (writer, agent) => {
        const seat = await this.reader.get<{ identity: string }>(`k/m/${writer}`)
        const row = await this.reader.agent(agent)
        return seat !== null && row !== null && !row.revoked && row.identity === seat.identity
      },
      removed: async (a, identity) => {
        for (const key of [`k/ban/${identity}`, `k/gone/${a.writer}`, `k/gone/${a.noise}`])
          if (await this.reader.get(key)) return true
        return false
      },
    }
  }
}

export { entryId }
