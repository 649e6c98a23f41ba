/** Tables and subject changes of the soak's entries: rows that are inserted, changed and deleted, so that every kind of undo is met. */
import { table } from '../../plugins/read-model/table.ts'
import type { Item } from './items.ts'

type Payload<T extends Item['type']> = Extract<Item, { type: T }>

/** Who holds which slot. */
export const slots = table({
  name: 'soak_slot',
  version: 1,
  types: ['soak.claim', 'soak.release'],
  create: `
    CREATE TABLE soak_slot (pact INTEGER NOT NULL, slot INTEGER NOT NULL, holder TEXT NOT NULL, position INTEGER NOT NULL);
    CREATE UNIQUE INDEX soak_slot_slot ON soak_slot (pact, slot);`,
  project(record, db, { pactNo, payload, emit }) {
    const { slot } = payload as Payload<'soak.claim'>
    const holder = record.writer.toString('hex')
    const claimed = record.entry?.type === 'soak.claim'
    if (claimed) db.prepare('INSERT INTO soak_slot VALUES (?, ?, ?, ?)').run(pactNo, slot, holder, record.position)
    else db.prepare('DELETE FROM soak_slot WHERE pact = ? AND slot = ?').run(pactNo, slot)
    emit({ subject: 'slot', id: String(slot), kind: claimed ? 'slot.claimed' : 'slot.released' })
  },
})

/** How much each writer counted and noted. */
export const tallies = table({
  name: 'soak_tally',
  version: 1,
  types: ['soak.note', 'soak.count'],
  create: `
    CREATE TABLE soak_tally (pact INTEGER NOT NULL, writer TEXT NOT NULL, notes INTEGER NOT NULL, total INTEGER NOT NULL);
    CREATE UNIQUE INDEX soak_tally_writer ON soak_tally (pact, writer);`,
  project(record, db, { pactNo, payload, emit }) {
    const writer = record.writer.toString('hex')
    const counts = record.entry?.type === 'soak.count'
    const by = counts ? (payload as Payload<'soak.count'>).by : 0
    db.prepare(
      `INSERT INTO soak_tally VALUES (?, ?, ?, ?)
       ON CONFLICT (pact, writer) DO UPDATE SET notes = notes + excluded.notes, total = total + excluded.total`,
    ).run(pactNo, writer, counts ? 0 : 1, by)
    if (counts) emit({ subject: 'counter', id: 'total', kind: 'counter.moved' })
  },
})

/** Kind and subject id of the change that an accepted item is told as, or null. */
export function changeOf(item: Item): { kind: string; id: string } | null {
  switch (item.type) {
    case 'soak.claim':
      return { kind: 'slot.claimed', id: String(item.slot) }
    case 'soak.release':
      return { kind: 'slot.released', id: String(item.slot) }
    case 'soak.count':
      return { kind: 'counter.moved', id: 'total' }
    default:
      return null
  }
}
