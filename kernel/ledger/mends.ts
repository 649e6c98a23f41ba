/**
 * Four mends of Autobase, applied to its classes at start-up, and the way to close a base.
 *
 * Autobase keeps what it has linearised in three places: the views, an update list (how far each step brought them) and a
 * boot record (which system core, indexed to where, whether the tip must be applied again). A reopen trusts that the three
 * agree. Unmended they can disagree on disk, and the peer then applies entries twice, in the wrong order, or hangs.
 * Every mend wraps one method and reaches into private state, so a version that nobody checked is refused.
 */
import { createRequire } from 'node:module'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type Autobase from 'autobase'
import ApplyState, { type BootRecord, type LocalNode } from 'autobase/lib/apply-state.js'
import { BOOT_RECORD_VERSION } from 'autobase/lib/caps.js'
import Store from 'autobase/lib/store.js'
import b4a from 'b4a'
import { defineErrors, OpenPactError } from '../errors.ts'
import { withLimit } from '../host/limit.ts'

/** The versions whose `lib/apply-state.js` was read, and whose faults and mends `mends.test.ts` has shown. */
export const checkedVersions: readonly string[] = ['7.28.1']

defineErrors({
  AUTOBASE_UNCHECKED: {
    kind: 'internal',
    message:
      'Autobase {found} is installed, but the mends that keep a pact whole across a crash were checked with {checked} only. Install that one: npm install --save-exact autobase@{checked}',
    help: 'To move to another version, read its lib/apply-state.js, run kernel/ledger/mends.test.ts with it, and only then add it to `checkedVersions` in kernel/ledger/mends.ts.',
  },
})

/** ms that the first block of an indexer's core is waited for. */
const MANIFEST_LIMIT = 10_000

/** Throws `AUTOBASE_UNCHECKED` for a version that the mends were not checked with. */
export function refuseUnchecked(version: string): void {
  if (checkedVersions.includes(version)) return
  throw new OpenPactError('AUTOBASE_UNCHECKED', { found: version, checked: checkedVersions.join(' or ') })
}

/** Checks the version and applies all mends. Call it before the first base is opened; calling it again does nothing. */
export function mendAutobase(): void {
  const { version } = createRequire(import.meta.url)('autobase/package.json') as { version: string }
  refuseUnchecked(version)
  for (const mend of Object.values(mends)) mend()
  announceFlushes()
  paceCommits()
  openWithoutTheEnd()
}

/**
 * No mend: lets a base emit `flushed` each time when what apply wrote is on disk and its views show it. `append` resolves later: an
 * indexer first moves what it has just signed to the views' own cores, which takes as long again.
 */
function announceFlushes(): void {
  wrap(ApplyState.prototype, '_open', original => {
    return async function (this: ApplyState) {
      await original.call(this)
      const { atom } = this.store
      const flushed = () => {
        // While the indexers change, the views move to other cores next: until that is done they are not to be read.
        if (b4a.equals(this.key, this.system.core.key)) this.base.emit('flushed')
      }
      // Called in the middle of a flush, beside the views themselves.
      atom.onflush(() => void atom.flushed().then(flushed))
    }
  })
}

/**
 * No mend either: lets a base put off moving signed views into their own cores. It is as if the last signature had not come yet, which with
 * several indexers is so after every append.
 */
function paceCommits(): void {
  wrap(ApplyState.prototype, 'maybeSigned', original => {
    return async function (this: ApplyState) {
      const { commitsNow } = this.base as { commitsNow?: () => boolean }
      if (commitsNow?.call(this.base) ?? true) await original.call(this)
    }
  })
}

/**
 * No mend either: lets an indexer whose own core lost blocks to a power loss open its base. Autobase looks in there for what it signed last, and
 * would wait for a block that may never come. Such a base is held (own-tail.ts): it signs nothing.
 */
function openWithoutTheEnd(): void {
  wrap(ApplyState.prototype, '_createCheckpointCore', original => {
    return function (this: ApplyState, ...args) {
      const checkpoint = original.apply(this, args)
      const { core } = checkpoint
      const update = checkpoint.updateCheckpoints.bind(checkpoint)
      checkpoint.updateCheckpoints = async () => {
        if (core.writable && core.contiguousLength < core.length) return false
        return update()
      }
      return checkpoint
    }
  })
}

/** Each mend by itself. They do not depend on each other's order; `mendAutobase` applies them all, tests all but one. */
export const mends = {
  /**
   * An append is flushed in two writes: first views and oplog, then update list and boot record. A kill between the two,
   * or a close (which does not wait for the second), leaves views that hold a batch which the update list does not know:
   * the reopened peer applies it again, and an indexer signs the result.
   * Mended: the list and the record join the atom before the first write, so that one write holds everything. The
   * original then finds the local nodes appended and puts the same record again, which changes nothing.
   */
  tornFlush(): void {
    wrap(ApplyState.prototype, '_flush', original => {
      return async function (this: ApplyState, localNodes: LocalNode[] | null) {
        if (localNodes) await this._appendLocalNodes(localNodes)
        this.localState.setBootRecord({
          version: BOOT_RECORD_VERSION,
          key: this.key,
          systemLength: this.systemView.indexedLength,
          indexersUpdated: false,
          fastForwarding: false,
          recoveries: this.base.recoveries,
        })
        await this.localState.flush()
        return original.call(this, null)
      }
    })
  },

  /**
   * When the indexers change, the tip must be applied again, in the order that the new set gives. The flush that stores
   * the new system core's key says `indexersUpdated: false`, and only `finalize()` corrects that a moment later. Stopped in
   * between, the peer reopens on the new core and keeps the tip in the old order.
   * Mended: a record whose key is not that of the system core in use always says that the indexers were updated.
   */
  migrationWindow(): void {
    wrap(ApplyState.prototype, '_boot', original => {
      return async function (this: ApplyState) {
        await original.call(this)
        const { localState, system } = this
        const setBootRecord = localState.setBootRecord.bind(localState)
        localState.setBootRecord = (record: BootRecord) => {
          const migrating = !b4a.equals(record.key, system.core.key)
          setBootRecord({ ...record, indexersUpdated: record.indexersUpdated || migrating })
        }
      }
    })
  },

  /**
   * A peer that reopens after an indexer change asks whether it still has to migrate, by comparing the signers of its
   * system core with the indexers at the *tip*. With the next indexer already in the tip it says yes, but the migration
   * goes by the *indexed* set: to the very core it is on, whose live batch it erases. Then it hangs, in `close()` too.
   * Mended: a yes holds only if the signers differ from the indexed set as well.
   */
  migrationOntoItself(): void {
    wrap(ApplyState.prototype, 'shouldMigrate', original => {
      return async function (this: ApplyState) {
        if (!(await original.call(this))) return false
        const signers = this.system.core.manifest?.signers
        if (!signers) return true
        const { indexers } = await this.system.getIndexedInfo(this.indexedLength)
        const manifests = await this.store.getIndexerManifests(indexers)
        if (indexers.length !== signers.length || manifests.length !== signers.length) return true
        return !signers.every((signer, i) => {
          const expected = manifests[i]?.signers[0]
          return expected !== undefined && b4a.equals(signer.publicKey, expected.publicKey)
        })
      }
    })
  },

  /**
   * When the indexers change, each peer computes the keys of the next views out of the manifests of the indexers' cores, and leaves out
   * those of cores that it has not got. Whoever skipped an indexer's blocks by a fast-forward so computes other keys than everybody else,
   * notes them in its system view, and signs and confirms nothing with the others ever again.
   * Mended: a manifest that is missing is fetched with the core's first block; while nobody reachable has it, apply fails and is begun anew.
   */
  missingManifest(): void {
    wrap(Store.prototype, 'getIndexerManifests', original => {
      return async function (this: Store, entries) {
        const found = await original.call(this, entries)
        if (found.length === entries.length) return found
        for (const { key } of entries) {
          const core = this.store.get({ key, active: true })
          await core.ready()
          const first = core.manifest ? null : core.get(0, { timeout: MANIFEST_LIMIT })
          await Promise.resolve(first).finally(() => core.close())
        }
        return original.call(this, entries)
      }
    })
  },
}

// On the function and by a global symbol, so that a second copy of this module sees what the first has done.
const mended = Symbol.for('openpact.autobase.mended')

function wrap<C extends object, Name extends keyof C>(
  proto: C,
  name: Name,
  mend: (original: C[Name]) => C[Name],
): void {
  const original = proto[name] as C[Name] & { [mended]?: true }
  if (!original[mended]) proto[name] = Object.assign(mend(original) as object, { [mended]: true }) as C[Name]
}

export interface QuiesceOptions {
  /** Appends that may still be under way; they are awaited first. Whoever calls has stopped making new ones. */
  appends?: Iterable<Promise<unknown>>
  /** Milliseconds to wait for the base to come to rest before it is closed anyway. */
  timeout?: number
}

/**
 * Brings a base to rest, then closes it. The caller has refused new appends and cut the replication streams before.
 * Answers whether the base came to rest within the time limit; it is closed either way (and so is the Corestore session
 * that it was given).
 */
export async function closeQuiesced(
  base: Pick<Autobase<unknown>, 'appending' | 'closing' | 'update' | 'pause' | 'close'>,
  { appends = [], timeout = 5_000 }: QuiesceOptions = {},
): Promise<boolean> {
  // A base that fails here cannot be brought to rest; closing it is all that is left.
  const late = () => new Error('the base does not come to rest')
  const quiet = await withLimit(timeout, late, () => rest(base, appends)).catch(() => false)
  await base.close()
  return quiet
}

async function rest(base: Parameters<typeof closeQuiesced>[0], appends: Iterable<Promise<unknown>>): Promise<boolean> {
  await Promise.allSettled(appends)
  // An append that meets a paused base resolves without having been written. So nothing is paused while one is waiting;
  // one that cannot be written (the base is interrupted or not writable) is rejected by the close instead.
  for (let rounds = 0; base.appending; rounds++) {
    if (rounds === 16 || base.closing) return false
    await base.update()
    await nextTurn()
  }
  if (base.closing) return false
  base.pause()
  // Paused, an update only waits for the round under way, up to its last flush.
  await base.update()
  return true
}
