/**
 * `openpact start --moved`: the user says that this directory was moved here, or restored from a copy of the whole disk, and that no other
 * one like it is ever started again. Two would fork their writer cores, so a store refuses to open where it was not made.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from './place.ts'

/** Lets the stores be opened here. The copy may be older than what it was made from, so the other members are asked before anything is written. */
export function acceptMoved({ dataDir }: Place): void {
  const pacts = join(dataDir, 'pacts')
  for (const name of existsSync(pacts) ? readdirSync(pacts) : []) {
    const folder = join(pacts, name)
    // What a store is bound to: inode and device of this file.
    rmSync(join(folder, 'store', 'CORESTORE'), { force: true })
    if (hasOthers(folder)) markDoubt(join(folder, 'met.json'))
  }
}

/** As after a power loss: whoever was met is asked for what is missing here, and else whoever comes first. What the mark knows of a lost core stays. */
function markDoubt(file: string): void {
  let mark: { met: string[] } = { met: [] }
  try {
    mark = JSON.parse(readFileSync(file, 'utf8')) as { met: string[] }
  } catch (error) {
    // A damaged one has whoever comes first asked already.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return
  }
  const met = mark.met.length > 0 ? mark.met : ['']
  writeFileSync(file, JSON.stringify({ doubt: [], ...mark, boot: 'moved', met }), { mode: 0o600 })
}

/** Whether anybody else has a seat; nobody else could hold more than this copy otherwise. */
function hasOthers(folder: string): boolean {
  try {
    const { applied } = JSON.parse(readFileSync(join(folder, 'seats.json'), 'utf8')) as { applied: object }
    return Object.keys(applied).length > 1
  } catch {
    return true
  }
}
