/** The way in: drafts become signed, numbered entries of this machine's own core, in group commits, each with a receipt. */
import crypto from 'hypercore-crypto'
import { isDiskFull } from '../disk.ts'
import { isOpenPactError, OpenPactError } from '../errors.ts'
import type { Author } from '../hooks.ts'
import { withLimit } from '../host/limit.ts'
import type { Identity } from '../kernel.ts'
import type { AppendOptions, Pact } from '../pact.ts'
import { interruption, missingRules } from './apply.ts'
import { type DraftingHost, type Prepared, prepare, sizeOf } from './drafting.ts'
import { type Draft, type LogRecord, ORPHANED, type Receipt } from './entry.ts'
import { decodeEntry, encodeEntry, entryId } from './envelope.ts'
import { AppendQueue } from './queue.ts'
import type { StateReader } from './reading.ts'
import { Receipts } from './receipts.ts'
import { ZERO } from './record.ts'
import type { RuleSet } from './rule-set.ts'
import type { Base } from './views.ts'

export interface WriterHost extends DraftingHost {
  identity: Identity
  rules: RuleSet
}

interface Job {
  prepared: Prepared
  agent: string
  n: number
}

/** ms that a caller waits for its entries to be linearised, which may need a block of the view that nobody connected has. */
const WRITE_LIMIT = 30_000

/** Own blocks looked at for the newest entry when a pact is opened; acks are blocks too. */
const LOOK_BACK = 64

export class Writer {
  readonly receipts = new Receipts()
  private readonly pact: Pact
  private readonly base: Base
  private readonly reader: StateReader
  private readonly host: WriterHost
  /** Where the pact's data is. */
  private readonly folder: string
  /** Makes what was appended readable. */
  private readonly settle: () => Promise<void>
  private readonly queue = new AppendQueue<Job>(jobs => this.write(jobs))
  /** Signatures made here that apply has not met yet: they need no verifying. */
  private readonly signed = new Set<string>()
  private nextN = 1
  /** The last number of the batch that is being written, and who waits for it to be on disk and in the views. */
  private landing: { n: number; tell(): void } | null = null
  /** Settles when the base is done with the last batch. */
  private appending: Promise<void> = Promise.resolve()
  private lastTimestamp = 0
  /** Rules that the charter wants and this machine lacks; undefined until read, and again when the charter may have changed. */
  private missing: ReturnType<typeof missingRules> | undefined

  constructor(
    pact: Pact,
    base: Base,
    reader: StateReader,
    folder: string,
    host: WriterHost,
    settle: () => Promise<void>,
  ) {
    this.pact = pact
    this.folder = folder
    this.base = base
    this.reader = reader
    this.host = host
    this.settle = settle
  }

  /**
   * Goes on counting after the newest entry in the own core, whether or not it was linearised before the last stop.
   * @param complete whether all of the view is on this machine; if not, only the own core can tell
   */
  async resume(complete: boolean): Promise<void> {
    const { local } = this.base
    const counted = complete ? await this.counted() : null
    let last = counted ?? 0
    const first = counted === null ? 0 : Math.max(0, local.length - LOOK_BACK)
    for (let i = local.length - 1; i >= first; i--) {
      const bytes = await this.ownBlock(i)
      const entry = bytes && decodeEntry(bytes)
      if (!entry) continue
      last = Math.max(last, entry.n)
      this.lastTimestamp = entry.timestamp
      break
    }
    this.nextN = last + 1
  }

  /** The own number as the view has it; null when it cannot be read. */
  private async counted(): Promise<number | null> {
    if (this.reader.empty) return 0
    try {
      return (await this.reader.counter(this.base.local.key.toString('hex')))[0]
    } catch {
      return null
    }
  }

  /**
   * Waits for a write, but not for ever. The write itself is not given up: its numbers are taken, and another one with the same
   * numbers would be skipped as a repetition.
   */
  private inTime(written: Promise<void>): Promise<void> {
    const reason =
      'The entry is waiting for history that no reachable machine has. It will be written when one is back; a retry with the same Idempotency-Key finds it then.'
    return withLimit(
      WRITE_LIMIT,
      () => new OpenPactError('REPLICATION_STALLED', { reason }),
      () => written,
    )
  }

  /** As `Pact.append`. */
  async append(drafts: Draft[], options: AppendOptions): Promise<Receipt[]> {
    await this.refuseUnlessWritable()
    const author = this.author(options.agent)
    const jobs: Job[] = []
    for (const draft of drafts)
      jobs.push({ prepared: await prepare(draft, this.pact, author, this.host), agent: author.name, n: 0 })
    if (jobs.length === 0) return []
    const bytes = jobs.reduce((sum, job) => sum + sizeOf(job.prepared), 0)
    await this.inTime(this.queue.push(jobs, bytes))
    if (options.until === 'confirmed') {
      const last = (jobs.at(-1) as Job).n
      await this.receipts.confirmation(last, options.timeout ?? 10_000, options.signal)
    }
    return jobs.map(job => {
      const receipt = this.receipts.get(job.n)
      if (receipt) return receipt
      throw new OpenPactError('REPLICATION_STALLED', { reason: 'The entry was written but is not linearised yet.' })
    })
  }

  /**
   * Own entries that no view holds and none ever will, because this machine lost its seat before they were linearised: newest first.
   * They stay readable here, with the verdict `orphaned` and no position.
   */
  async orphans(): Promise<LogRecord[]> {
    const { local } = this.base
    const writer = local.key
    if (this.base.writable || this.reader.empty) return []
    const [last] = await this.reader.counter(writer.toString('hex'))
    const found: LogRecord[] = []
    for (let i = local.length - 1; i >= 0; i--) {
      const bytes = await this.ownBlock(i)
      const entry = bytes && decodeEntry(bytes)
      if (!entry) continue
      if (entry.n <= last) break
      const { n } = entry
      const [id, hash, size] = [entryId(writer, n), crypto.hash(bytes), bytes.length]
      found.push({ position: -1, chain: ZERO, writer, n, id, verdict: ORPHANED, entry, size, hash })
    }
    return found
  }

  /** What was appended in a block of the own core; null for an ack, and for one that a power loss took. */
  private async ownBlock(index: number): Promise<Buffer | null> {
    const block = (await this.base.local.get(index, { wait: false })) as unknown as {
      node: { value: Buffer | null } | null
    } | null
    return block?.node?.value ?? null
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.queue.idle()
    await this.appending
  }

  /** A flush is over. Answers whether it brought what is being written to the disk and into the views. */
  flushed(): boolean {
    if (!this.landing || !this.receipts.get(this.landing.n)) return false
    this.landing.tell()
    return true
  }

  /** True, once, for bytes that this process has just signed. */
  signedHere(bytes: Buffer): boolean {
    return this.signed.delete(signatureOf(bytes))
  }

  /** Takes note of what was linearised, here or, after a fast-forward, elsewhere. */
  onrecords(records: LogRecord[]): void {
    for (const record of records) if (record.writer.equals(this.base.local.key)) this.receipts.add(record)
    if (records.length === 0 || records.some(r => r.entry?.type.startsWith('pact.'))) this.charterMoved()
  }

  charterMoved(): void {
    this.missing = undefined
  }

  private author(name: string | undefined): Author {
    const { identity } = this.host
    const agent = name === undefined ? identity.defaultAgent : identity.agent(name)
    if (!agent) throw new OpenPactError('INVALID_INPUT', { reason: `no agent called "${name}" is on this machine` })
    return { name: agent.name, key: agent.key }
  }

  private async refuseUnlessWritable(): Promise<void> {
    const pact = this.pact.alias
    if (this.pact.closed) throw new OpenPactError('PACT_CLOSED', { pact })
    if (this.missing === undefined) {
      const row = await this.reader.charterRow().catch(cause => {
        const reason = 'The rules of this pact are not on this machine yet.'
        throw new OpenPactError('REPLICATION_STALLED', { reason }, { cause })
      })
      this.missing = row && missingRules(row, this.host.rules)
    }
    if (this.missing) throw new OpenPactError('PACT_INTERRUPTED', { pact, ...this.missing })
    if (this.base.interrupted) throw this.interruption(this.base.interrupted)
    if (this.base.writable) return
    const removed = await this.pact.removal()
    throw removed
      ? new OpenPactError('MEMBER_REMOVED', { pact, words: removed })
      : new OpenPactError('NOT_WRITABLE', { pact, reason: 'its seat is gone or has not reached this machine yet' })
  }

  /** Numbers, signs and appends a batch; resolves when every entry of it can be read. */
  private async write(jobs: Job[]): Promise<void> {
    const first = this.nextN
    const blocks = jobs.map(job => this.sign(job))
    try {
      await this.put(blocks)
    } catch (error) {
      this.nextN = first
      throw await this.coded(error)
    } finally {
      this.landing = null
      this.signed.clear()
    }
    await this.settle()
  }

  /** Resolves when the blocks are on disk and in the views. The base goes on with them, and whoever closes it waits for that. */
  private async put(blocks: Buffer[]): Promise<void> {
    const landed = new Promise<void>(tell => {
      this.landing = { n: this.nextN - 1, tell }
    })
    const appended = this.base.append(blocks)
    this.appending = Promise.allSettled([appended]).then(() => {})
    await Promise.race([landed, appended])
  }

  private sign(job: Job): Buffer {
    job.n = this.nextN++
    // The author's claim of time runs forward on its own machine, whatever the clock does.
    this.lastTimestamp = Math.max(this.lastTimestamp, job.prepared.timestamp ?? Date.now())
    const fields = { ...job.prepared, n: job.n, timestamp: job.prepared.timestamp ?? this.lastTimestamp }
    const { bytes } = encodeEntry(fields, this.base.key, this.base.local.key, message =>
      this.host.identity.sign(job.agent, message),
    )
    this.signed.add(signatureOf(bytes))
    return bytes
  }

  private async coded(error: unknown): Promise<Error> {
    if (isOpenPactError(error)) return error
    const pact = this.pact.alias
    const reason = error instanceof Error ? error.message : String(error)
    // The store's own message says nothing of the disk, and it closes the base.
    if (await isDiskFull(this.folder, error)) return new OpenPactError('DISK_FULL', {}, { cause: error })
    if (this.base.interrupted) return this.interruption(this.base.interrupted)
    if (/closing/i.test(reason)) return new OpenPactError('PACT_CLOSED', { pact }, { cause: error })
    if (/not writable/i.test(reason))
      return new OpenPactError('NOT_WRITABLE', { pact, reason: 'it is no longer a member' }, { cause: error })
    return new OpenPactError('PACT_UNHEALTHY', { pact, reason }, { cause: error })
  }

  private interruption(words: string): OpenPactError {
    return new OpenPactError('PACT_INTERRUPTED', { pact: this.pact.alias, ...interruption(words) })
  }
}

function signatureOf(bytes: Buffer): string {
  return bytes.toString('latin1', bytes.length - 64)
}
