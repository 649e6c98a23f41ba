/** Opens the Autobase of one pact: two views, both from the first block on, encrypted, with the mends applied. */
import { setTimeout as pause } from 'node:timers/promises'
import Autobase, { type ApplyHost, type ApplyNode } from 'autobase'
import FastForward from 'autobase/lib/fast-forward.js'
import type Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import type { Views } from './apply.ts'
import { mendAutobase } from './mends.ts'

/** Milliseconds between an indexer's looks at whether others wait for its signature. The default of 10 s makes confirming slow. */
const ACK_INTERVAL = 200
/** ms between two looks where nothing can wait: a few times a second and pact they would keep an idle machine awake. */
const RESTING_INTERVAL = 10_000

/**
 * ms between two times that a sole indexer moves what it has signed into the views' own cores. Each costs as much as the append before it;
 * only a machine that fast-forwards looks there.
 */
const COMMIT_INTERVAL = 50
/** Entries that do not wait for it: their cost is shared already, and what waits grows old in V8's heap. */
const COMMIT_BATCH = 16

/**
 * Blocks of Autobase's own view, about two for each batch of entries, that a machine must be behind before it skips them. Autobase's 16 would
 * leave everyone who missed a few entries with gaps, and unable to write if the link is lost again; so many are applied in a second or two.
 */
FastForward.MINIMUM = 512
/** The same for one that has hardly any history: it shows the newest entries at once, and has nothing to go on with if the link is lost. */
const NEWCOMER_MINIMUM = 16

/** ms that closing waits for an acknowledgement under way: it may wait itself, for a block that nobody here has. */
const ACK_LIMIT = 1_000

/** ms that a machine which cannot judge the next entry waits for views that others have signed, and between two looks. */
const PASS_LIMIT = 10_000
const PASS_INTERVAL = 100

/** An Autobase that can be kept from appending to its own core, acknowledgements included, and that rests when nothing waits for it. */
export class Base extends Autobase<Views> {
  held = false
  private passing = false
  /** It is looking at whether an acknowledgement is due. */
  private looking = false
  /** Lengths of the views that a sole indexer had signed at the last flush. */
  private sealed = { log: 0, state: 0 }
  /** When signed views were moved last, on the clock of `performance`. */
  private committed = Number.NEGATIVE_INFINITY
  private commitTimer: NodeJS.Timeout | null = null
  private giveUp = () => {}
  private readonly givenUp = new Promise<void>(resolve => {
    this.giveUp = resolve
  })

  constructor(...options: ConstructorParameters<typeof Autobase<Views>>) {
    super(...options)
    // What woke it may have come while its timer was set for a rest.
    this.on('update', () => this._bumpAckTimer())
    this.on('flushed', () => this.seal())
  }

  override async ack(background?: boolean): Promise<void> {
    if (this.held) return
    this.looking = true
    try {
      await Promise.race([super.ack(background), this.givenUp])
    } finally {
      this.looking = false
    }
  }

  override _startAckTimer(): void {
    super._startAckTimer()
    const get = () => (this.resting ? RESTING_INTERVAL : ACK_INTERVAL)
    Object.defineProperty(this._ackTimer, 'interval', { get, configurable: true })
  }

  /**
   * Who is no indexer never acknowledges. A sole indexer whose views are signed to their ends has nothing to: what comes from others makes
   * them longer first.
   */
  private get resting(): boolean {
    const { system } = this
    // Null while the base opens, or opens again: asking the state in there would throw in the middle of an event of the store.
    if (this.looking || !system) return false
    if (!this.isIndexer) return !system.pendingIndexers.some(key => this.local.key.equals(key))
    const { log, state } = this.view
    return this.sole && [log, state.core].every(core => core.signedLength === core.length)
  }

  private get sole(): boolean {
    const { system } = this
    return (
      this.isIndexer &&
      this.linearizer?.indexers.length === 1 &&
      system?.indexers.length === 1 &&
      system.pendingIndexers.length === 0
    )
  }

  /** Asked by Autobase (mends.ts) whether to move what is signed. If not now, it is done when the interval is over. */
  commitsNow(): boolean {
    if (!this.sole || this.closing) return true
    const { length, signedLength } = this.view.log
    const wait = this.committed + COMMIT_INTERVAL - performance.now()
    if (wait > 0 && length - signedLength < COMMIT_BATCH) {
      this.commitTimer ??= setTimeout(() => void this.commit(), wait).unref()
      return false
    }
    this.committed = performance.now()
    return true
  }

  get fastForwardMinimum(): number {
    return this.passing ? 1 : this.core.length < NEWCOMER_MINIMUM ? NEWCOMER_MINIMUM : FastForward.MINIMUM
  }

  /** Autobase would go back to the same number for everyone after each apply. */
  set fastForwardMinimum(_) {}

  /**
   * Called in apply by a machine that cannot judge the next entry: waits for views in which a quorum has signed it, as a newcomer takes them.
   * Answers whether they are at hand; the apply that called must then end with an error.
   */
  async passesBy(): Promise<boolean> {
    this.passing = true
    for (
      const end = Date.now() + PASS_LIMIT;
      this.fastForwardEnabled && !this.fastForwardTo && !this.closing && Date.now() < end;
    ) {
      // Autobase would wait for five minutes after a failure.
      this.fastForwardFailedAt = 0
      this._queueFastForward()
      await pause(PASS_INTERVAL)
    }
    this.passing = false
    return this.fastForwardTo !== null
  }

  /** A newcomer takes the first entry by itself: with it the views move to the cores that others have signed, and can be taken from there. */
  override async _addRemoteHeads(): Promise<number> {
    if (this.view.log.length > 0) return super._addRemoteHeads()
    await this._updateAll()
    for (const writer of this.activeWriters) {
      const node = writer.advance()
      if (!node) continue
      this.linearizer?.addHead(node)
      this._queueBump()
      return 1
    }
    return 0
  }

  private async commit(): Promise<void> {
    this.commitTimer = null
    try {
      await this._applyState?.maybeSigned()
      await this.update()
    } catch {
      // It is closing; the next start moves what is left.
    }
  }

  /** Length of a view below which nothing moves any more. */
  confirmed(view: 'log' | 'state'): number {
    const { length, signedLength } = view === 'log' ? this.view.log : this.view.state.core
    return Math.min(Math.max(signedLength, this.sealed[view]), length)
  }

  /** The signature of a sole indexer is on disk with what it signs, in its own core, a while before the views' cores have it. */
  seal(): void {
    if (!this.sole || this.system?.core.length !== this.indexedLength) return
    this.sealed = { log: this.view.log.length, state: this.view.state.core.length }
  }

  /** Autobase waits for its acknowledgement before it closes what that may be waiting in, and so for ever. */
  override async _close(): Promise<void> {
    const timer = setTimeout(this.giveUp, ACK_LIMIT)
    await super._close()
    clearTimeout(timer)
  }

  override append(value: Buffer | Buffer[] | null): Promise<number> {
    return this.held ? Promise.reject(new Error('appending is held back')) : super.append(value)
  }
}

export interface OpenOptions {
  /** Null founds a new pact. */
  key: Buffer | null
  encryptionKey: Buffer
  apply(nodes: ApplyNode[], views: Views, host: ApplyHost): Promise<void>
  /** False for a machine that must see every block itself (recovery). */
  fastForward?: boolean
}

/** Of Hyperbee's caches of keys and nodes: holds nothing. */
const nothing = { get: () => null, set() {}, gc() {}, clear() {} }

/**
 * A bee that reads every node anew. Hyperbee keeps nodes by their number until its core says that it was truncated; but when Autobase moves a
 * view to another core (the indexers changed) hypercore 11.37 tells the length before instead of the one after, and nodes of a history
 * that is gone are answered until the next start. What apply reads is not touched by this: each move gives it a new bee.
 */
export function uncached(bee: Hyperbee): Hyperbee {
  for (const cache of ['_keyCache', '_nodeCache']) Object.defineProperty(bee, cache, { get: () => nothing, set() {} })
  return bee
}

export function openBase(store: Corestore, options: OpenOptions): Base {
  mendAutobase()
  const base = new Base(store, options.key, {
    encryptionKey: options.encryptionKey,
    // Binary: with `json` one member's bad block would stop every daemon before apply could judge it.
    valueEncoding: 'binary',
    ackInterval: ACK_INTERVAL,
    fastForward: options.fastForward ?? true,
    open: views => ({
      log: views.get('log'),
      state: new Hyperbee(views.get('state'), { extension: false, keyEncoding: 'utf-8', valueEncoding: 'binary' }),
    }),
    apply: options.apply,
  })
  uncached(base.view.state)
  return base
}
