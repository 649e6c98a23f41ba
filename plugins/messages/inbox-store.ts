/**
 * Inboxes of the agents of this machine, in `local.db`: what came in, in the order in which it did, and what was read. Never
 * replicated. A message is one row per reader, so that lists of what is unread and their counts cost what they answer.
 */
import type { Store } from '../store/service.ts'
import type { Audience } from './audience.ts'
import { priorities } from './entries.ts'
import type { MessageRow } from './queries.ts'

export const versions = [
  `CREATE TABLE messages_reader (
     id INTEGER PRIMARY KEY, pact TEXT NOT NULL, agent TEXT NOT NULL,
     roles TEXT NOT NULL DEFAULT '[]', topics TEXT NOT NULL DEFAULT '[]',
     floor INTEGER NOT NULL DEFAULT 0, wanted TEXT NOT NULL DEFAULT '[]', UNIQUE (pact, agent));
   CREATE TABLE messages_inbox (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, reader INTEGER NOT NULL, message TEXT NOT NULL, audience TEXT NOT NULL,
     urgency INTEGER NOT NULL, read INTEGER);
   CREATE UNIQUE INDEX messages_inbox_message ON messages_inbox (reader, message);
   CREATE INDEX messages_inbox_unread ON messages_inbox (reader, urgency, seq) WHERE read IS NULL;
   CREATE INDEX messages_inbox_all ON messages_inbox (reader, seq);`,
]

export interface Reader {
  id: number
  /** Followed by choice. No topics: all of them. */
  roles: string[]
  topics: string[]
  /** Everything below this position was looked at and is confirmed. */
  floor: number
  /** Audiences that were delivered so far. */
  wanted: Audience[]
}

export interface InboxRow {
  seq: number
  message: string
  urgency: number
  /** ms since 1970 */
  read: number | null
}

/** `[urgency, seq]` of the last row of the page before for what is unread, `[seq]` for all. */
export type InboxPlace = readonly number[] | null

export class InboxStore {
  private readonly store: Store

  constructor(store: Store) {
    store.migrate('messages', versions)
    this.store = store
  }

  /** @param agent hex key */
  reader(pact: string, agent: string): Reader {
    const { db } = this.store
    const find = () => db.prepare('SELECT * FROM messages_reader WHERE pact = ? AND agent = ?').get(pact, agent)
    let row = find()
    if (!row) {
      db.prepare('INSERT INTO messages_reader (pact, agent) VALUES (?, ?)').run(pact, agent)
      row = find()
    }
    const list = (column: string) => JSON.parse(String(row?.[column])) as string[]
    return {
      id: Number(row?.id),
      roles: list('roles'),
      topics: list('topics'),
      floor: Number(row?.floor),
      wanted: list('wanted'),
    }
  }

  follow({ id }: Reader, roles: readonly string[], topics: readonly string[]): void {
    const set = this.store.db.prepare('UPDATE messages_reader SET roles = ?, topics = ? WHERE id = ?')
    set.run(JSON.stringify(roles), JSON.stringify(topics), id)
  }

  /** Puts in what is not in yet, takes out what is unread and not wanted any more, and remembers how far that went. */
  deliver(reader: Reader, rows: readonly MessageRow[], floor: number, wanted: Audience[], unwanted: Audience[]): void {
    const { db } = this.store
    const put = db.prepare(
      'INSERT OR IGNORE INTO messages_inbox (reader, message, audience, urgency) VALUES (?, ?, ?, ?)',
    )
    const drop = db.prepare(
      'DELETE FROM messages_inbox INDEXED BY messages_inbox_unread WHERE reader = ? AND read IS NULL AND audience = ?',
    )
    this.store.transaction(() => {
      for (const audience of unwanted) drop.run(reader.id, audience)
      for (const { id, audience, urgency } of rows) put.run(reader.id, id, audience, urgency)
      const done = db.prepare('UPDATE messages_reader SET floor = ?, wanted = ? WHERE id = ?')
      done.run(floor, JSON.stringify(wanted), reader.id)
    })
  }

  /** Audiences of what is unread; asked when the wanted ones change. */
  unreadAudiences({ id }: Reader): Audience[] {
    const rows = this.store.db.prepare(
      'SELECT DISTINCT audience FROM messages_inbox INDEXED BY messages_inbox_unread WHERE reader = ? AND read IS NULL',
    )
    return rows.all(id).map(row => String(row.audience))
  }

  /** The most urgent first, then the oldest. @param least the least urgent that is wanted */
  unread({ id }: Reader, least: number, place: InboxPlace, limit: number): InboxRow[] {
    const [first = 0, after = 0] = place ?? []
    const rows: InboxRow[] = []
    const next = this.store.db.prepare(
      `SELECT seq, message, urgency, read FROM messages_inbox INDEXED BY messages_inbox_unread
       WHERE reader = ? AND read IS NULL AND urgency = ? AND seq > ? ORDER BY seq LIMIT ?`,
    )
    for (let urgency = first; urgency <= Math.min(least, priorities.length - 1) && rows.length < limit; urgency++) {
      const found = next.all(id, urgency, urgency === first ? after : 0, limit - rows.length)
      rows.push(...(found as unknown as InboxRow[]))
    }
    return rows
  }

  /** Read or not, the last to come in first. */
  all({ id }: Reader, place: InboxPlace, limit: number): InboxRow[] {
    return this.store.db
      .prepare(
        `SELECT seq, message, urgency, read FROM messages_inbox WHERE reader = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
      )
      .all(id, place?.[0] ?? Number.MAX_SAFE_INTEGER, limit) as unknown as InboxRow[]
  }

  /** A message that a reorder took away for good. */
  forget({ seq }: InboxRow): void {
    this.store.db.prepare('DELETE FROM messages_inbox WHERE seq = ?').run(seq)
  }

  /** How many are unread, by urgency from 0. */
  counts({ id }: Reader): number[] {
    const rows = this.store.db
      .prepare(
        'SELECT urgency, COUNT(*) AS unread FROM messages_inbox WHERE reader = ? AND read IS NULL GROUP BY urgency',
      )
      .all(id)
    return priorities.map((_, urgency) => Number(rows.find(row => row.urgency === urgency)?.unread ?? 0))
  }

  /** Number of the newest row; 0 for none. */
  head({ id }: Reader): number {
    const row = this.store.db.prepare('SELECT MAX(seq) AS seq FROM messages_inbox WHERE reader = ?').get(id)
    return Number(row?.seq ?? 0)
  }

  /** Marks what is in the inbox; answers how many were unread. */
  markRead({ id }: Reader, messages: readonly string[], now: number): number {
    const mark = this.store.db.prepare(
      'UPDATE messages_inbox SET read = ? WHERE reader = ? AND message = ? AND read IS NULL',
    )
    return this.store.transaction(() =>
      messages.reduce((sum, each) => sum + Number(mark.run(now, id, each).changes), 0),
    )
  }

  /** Marks everything that came in up to a row. */
  markUpTo({ id }: Reader, seq: number, now: number): number {
    const { changes } = this.store.db
      .prepare(
        'UPDATE messages_inbox INDEXED BY messages_inbox_unread SET read = ? WHERE reader = ? AND read IS NULL AND seq <= ?',
      )
      .run(now, id, seq)
    return Number(changes)
  }

  has({ id }: Reader, message: string): boolean {
    return (
      this.store.db.prepare('SELECT 1 FROM messages_inbox WHERE reader = ? AND message = ?').get(id, message) !==
      undefined
    )
  }
}
