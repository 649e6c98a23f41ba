/** Opens the Autobase of one pact: two views, both from the first block on, encrypted, with the mends applied. */
import Autobase, { type ApplyHost, type ApplyNode } from 'autobase'
import type Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import type { Views } from './apply.ts'
import { mendAutobase } from './mends.ts'

/** Milliseconds between an indexer's looks at whether others wait for its signature. The default of 10 s makes confirming slow. */
const ACK_INTERVAL = 200
/** ms between two looks where nothing can wait: a few times a second and pact they would keep an idle machine awake. */
const RESTING_INTERVAL = 10_000

/** An Autobase that can be kept from appending to its own core, acknowledgements included, and that rests when nothing waits for it. */
export class Base extends Autobase<Views> {
  held = false
  /** It is looking at whether an acknowledgement is due. */
  private looking = false

  constructor(...options: ConstructorParameters<typeof Autobase<Views>>) {
    super(...options)
    // What woke it may have come while its timer was set for a rest.
    this.on('update', () => this._bumpAckTimer())
  }

  override async ack(background?: boolean): Promise<void> {
    if (this.held) return
    this.looking = true
    try {
      await super.ack(background)
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
    const sole = this.linearizer?.indexers.length === 1 && system.indexers.length === 1
    return sole && [log, state.core].every(core => core.signedLength === core.length)
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
