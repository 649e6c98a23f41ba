/** Judges the readability of stored payloads again when an entry type appeared, changed or went: history lights up, or says why not. */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EntryType, Kernel } from '../../kernel/index.ts'
import type { IndexParts } from './index-parts.ts'
import { MISFIT, payloadFault } from './payloads.ts'
import { laneOf, lanes } from './rows.ts'

const CHUNK = 500

/** Brings `unreadable` of all entries up to the entry types as they are loaded now. Does nothing when none changed. */
export async function recheckTypes(
  parts: IndexParts,
  kernel: Pick<Kernel, 'entryTypes'>,
  signal: AbortSignal,
): Promise<void> {
  const { db, log } = parts
  const stored = new Map(
    db
      .prepare('SELECT name, fingerprint FROM types')
      .all()
      .map(r => [String(r.name), String(r.fingerprint)]),
  )
  const owned = new Map(kernel.entryTypes().map(type => [type.name, type]))
  for (const name of new Set([...stored.keys(), ...owned.keys()])) {
    const type = owned.get(name) ?? null
    const fingerprint = type && createHash('sha256').update(JSON.stringify(type.payload)).digest('hex')
    if (fingerprint === (stored.get(name) ?? null)) continue
    const changed = await recheck(parts, name, type, signal)
    if (signal.aborted) return
    if (changed > 0) log.info('An entry type changed; its entries were checked again.', { type: name, changed })
    db.prepare('DELETE FROM types WHERE name = ?').run(name)
    if (fingerprint) db.prepare('INSERT INTO types VALUES (?, ?)').run(name, fingerprint)
  }
}

async function recheck(parts: IndexParts, name: string, type: EntryType | null, signal: AbortSignal): Promise<number> {
  const { db, words } = parts
  const word = words.find(name)
  let changed = 0
  for (let after = -1; word !== null && !signal.aborted; ) {
    const rows = db
      .prepare(
        'SELECT at, payload, unreadable FROM entries INDEXED BY entries_type WHERE type = ? AND at > ? ORDER BY at LIMIT ?',
      )
      .all(word, after, CHUNK)
    const last = rows.at(-1)
    if (!last) break
    parts.transaction(() => {
      for (const { at, payload, unreadable } of rows) {
        const lane = laneOf(Number(at))
        if (lane !== lanes.accepted && lane !== lanes.previewAccepted) continue
        // Other reasons (ciphertext, not JSON, a table that failed) have nothing to do with the type.
        if (unreadable !== null && !String(unreadable).startsWith(MISFIT)) continue
        const fault = payloadFault(type, JSON.parse(String(payload)))
        if (fault === unreadable) continue
        db.prepare('UPDATE entries SET unreadable = ? WHERE at = ?').run(fault, at!)
        changed++
      }
    })
    after = Number(last.at)
    await nextTurn()
  }
  return changed
}
