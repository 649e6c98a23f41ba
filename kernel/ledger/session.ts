/** What sessions of the views do not tell by themselves: where they stand, and whether blocks are just moving under them. */
import type Hypercore from 'hypercore'

/** Reads that may each be met by another flush. */
const TRIES = 16

/**
 * Runs a read that fails where a block is not on this machine. While Autobase flushes, blocks move from one core to another, and a read can
 * miss what is here: it is made again when the flush is over. @throws what the last read failed with
 */
export async function readHere<T>(core: Hypercore, read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await read()
    } catch (error) {
      // One that failed without a flush is made once more: the flush may have ended just before the look.
      if (tries >= TRIES || (!(await flushed(core)) && tries > 1)) throw error
    }
  }
}

/** Root hash of the Merkle tree of what a session holds. In memory: `treeHash()` reads the same from the disk, twice. */
export function rootHash(core: Hypercore): string {
  return core.state.hash().toString('latin1')
}

/** Waits for the flush that is under way; answers whether there was one. */
async function flushed(core: Hypercore): Promise<boolean> {
  const atom = core.state.atomized
  if (!atom?.flushing) return false
  await atom.flushed()
  return true
}
