/**
 * Watches for what Autobase does not report. Views that differ from what a quorum signed: the signs are warnings of invalid
 * signatures, and an indexed view that is longer than the signed one and stays so. One `repair()` per run, then the reason is shown.
 * And confirming that stands still although every indexer has seen everything: that happens when several of them stopped in the
 * middle of acknowledging, and goes on as soon as one of them adds a block.
 */
import type { Logger } from '../plugin.ts'
import type { Base } from './views.ts'

const INTERVAL = 5_000
/** Looks in a row that must see the divergence: signing lags behind indexing for a moment on every healthy machine. */
const PATIENCE = 6
/** Looks between two blocks for confirming, at most: without a quorum none of them helps, and each is kept for ever. */
const SELDOM = 60

export class HealthWatch {
  repairs = 0
  private invalidSignatures = 0
  private seenDiverged = 0
  /** Signed lengths of the views at the last look. */
  private signed = ''
  /** In plain words; null when all is well. */
  problem: string | null = null
  /** Length and confirmed length of the last look, how many looks saw the same, and how many must before a block is added. */
  private stand = { place: '', looks: 0, patience: 1 }
  private timer: NodeJS.Timeout | null = null
  private readonly base: Base
  private readonly log: Logger

  constructor(base: Base, log: Logger) {
    this.base = base
    this.log = log
    base.on('warning', error => this.onwarning(error as Error & { code?: string }))
  }

  start(): void {
    this.timer = setInterval(() => void this.look(), INTERVAL)
    this.timer.unref()
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer)
    this.timer = null
  }

  private onwarning(error: Error & { code?: string }): void {
    this.log.warn('autobase warns', { code: error.code ?? error.message })
    if (error.code === 'INVALID_SIGNATURE' || /INVALID_SIGNATURE/.test(error.message)) this.invalidSignatures++
  }

  /** One look; called by the timer. */
  async look(): Promise<void> {
    try {
      if (this.base.closing || this.base.interrupted || this.base.held) return
      await this.keepConfirming()
      const diverged = await this.diverged()
      this.seenDiverged = diverged ? this.seenDiverged + 1 : 0
      if (this.seenDiverged < PATIENCE && this.invalidSignatures === 0) {
        if (!diverged) this.problem = null
        return
      }
      await this.heal()
    } catch (error) {
      this.log.warn('health cannot be read', { reason: String(error) })
    }
  }

  private async keepConfirming(): Promise<void> {
    const { length, signedLength } = this.base.view.log
    const place = `${signedLength}/${length}`
    if (signedLength >= length || place !== this.stand.place) {
      this.stand = { place, looks: 0, patience: 1 }
      return
    }
    if (++this.stand.looks < this.stand.patience) return
    this.stand = { place, looks: 0, patience: Math.min(SELDOM, this.stand.patience * 2) }
    if (this.base.isIndexer) await this.base.append(null)
  }

  private async diverged(): Promise<boolean> {
    const { log, state } = this.base.view
    const cores = [log, state.core]
    // Nothing can be indexed beyond that, and asking reads the disk.
    if (cores.every(core => core.signedLength === core.length)) return false
    const signed = cores.map(core => core.signedLength).join()
    const stands = signed === this.signed
    this.signed = signed
    // While much is written, signing is behind at every look, but it moves.
    if (!stands) return false
    const info = await this.base.getIndexedInfo()
    return cores.some(core => {
      const indexed = info.views.find(v => v.key.equals(core.key))
      return indexed !== undefined && indexed.length > core.signedLength
    })
  }

  private async heal(): Promise<void> {
    const sign =
      this.invalidSignatures > 0
        ? 'signatures of other indexers do not fit this view'
        : 'the view differs from what a quorum signed'
    if (this.repairs > 0) {
      this.problem = `${sign}, and one repair did not heal it: compare the plugin versions of all machines`
      return
    }
    this.repairs++
    this.invalidSignatures = 0
    this.seenDiverged = 0
    this.problem = `${sign}; repairing from the other machines`
    this.log.warn('ledger diverged, repairing', { sign })
    await this.base.repair()
  }
}
