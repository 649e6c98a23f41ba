/** Opens the Autobase of one pact: two views, both from the first block on, encrypted, with the mends applied. */
import Autobase, { type ApplyHost, type ApplyNode } from 'autobase'
import type Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import type { Views } from './apply.ts'
import { mendAutobase } from './mends.ts'

/** Milliseconds between an indexer's looks at whether others wait for its signature. The default of 10 s makes confirming slow. */
const ACK_INTERVAL = 200
/** ms between two full looks where nothing seems to wait. */
const RESTING_INTERVAL = 10_000

/** An Autobase that can be kept from appending to its own core, acknowledgements included. */
export class Base extends Autobase<Views> {
  held = false
  /** When it was last looked in full at whether an acknowledgement is due, ms. */
  private looked = 0

  override async ack(background?: boolean): Promise<void> {
    if (this.held || (background && this.resting())) return
    await super.ack(background)
  }

  /**
   * A sole indexer whose views are signed to their ends has nothing to acknowledge: what comes from others makes them longer first. Each
   * look costs a pass over the whole base, several times a second and pact.
   */
  private resting(): boolean {
    const { log, state } = this.view
    const sole = this.isIndexer && this.linearizer?.indexers.length === 1 && this.system?.indexers.length === 1
    const signed = [log, state.core].every(core => core.signedLength === core.length)
    if (sole && signed && Date.now() - this.looked < RESTING_INTERVAL) return true
    this.looked = Date.now()
    return false
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

export function openBase(store: Corestore, options: OpenOptions): Base {
  mendAutobase()
  return new Base(store, options.key, {
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
}
