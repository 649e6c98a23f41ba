/** Reads the table of invites: pages, one by the beginning of its id, and which ones still wait for their end. */
import { OpenPactError, type Pact } from '../../kernel/index.ts'
import { decodeCursor, encodeCursor, type Page, type ReadModel } from '../read-model/service.ts'

export interface InviteView {
  id: string
  role: 'member' | 'admin'
  /** `open`, or why nobody gets in by it any more. */
  state: 'open' | 'spent' | 'expired' | 'revoked'
  uses: number
  max_uses: number
  /** ISO 8601 in ledger time; null for no end. */
  expires: string | null
  note: string | null
  /** Id of the entry that made it. */
  entry: string
  created: string | null
  author: string | null
}

interface Row {
  id: string
  position: number
  entry: string
  role: 'member' | 'admin'
  max_uses: number
  uses: number
  expires: number
  revoked: number
  note: string | null
}

const COLUMNS = 'id, position, entry, role, max_uses, uses, expires, revoked, note'

/** Newest first. @param time ledger time, ms */
export function invitePage(
  readModel: ReadModel,
  pact: Pact,
  time: number,
  { limit = 50, cursor }: { limit?: number; cursor?: string },
): Page<InviteView> {
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor)?.[0]
  if (typeof before !== 'number')
    throw new OpenPactError('INVALID_INPUT', { reason: '"cursor" is not one of this list.' })
  const rows = readModel
    .prepare(`SELECT ${COLUMNS} FROM invites_invite WHERE pact = ? AND position < ? ORDER BY position DESC LIMIT ?`)
    .all(readModel.pactNo(pact), before, limit + 1) as unknown as Row[]
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const more = rows.length > limit && last !== undefined
  return {
    entries: page.map(row => view(readModel, pact, row, time)),
    cursor: more ? encodeCursor([last.position]) : null,
    has_more: more,
  }
}

/**
 * The invite whose id begins with `start`.
 * @throws OpenPactError INVITE_UNKNOWN, INVALID_INPUT when there are several
 */
export function inviteBy(readModel: ReadModel, pact: Pact, start: string, time: number): InviteView {
  const rows = readModel
    .prepare(`SELECT ${COLUMNS} FROM invites_invite WHERE pact = ? AND id >= ? AND id < ? LIMIT 2`)
    .all(readModel.pactNo(pact), start, `${start}g`) as unknown as Row[]
  const [row] = rows
  if (!row) throw new OpenPactError('INVITE_UNKNOWN', { id: start })
  if (rows.length > 1) throw new OpenPactError('INVALID_INPUT', { reason: `several invites begin with "${start}".` })
  return view(readModel, pact, row, time)
}

/** Ends (ms) of invites that are still open, made at or after a position. */
export function openEnds(readModel: ReadModel, pact: Pact, from: number): number[] {
  return readModel
    .prepare(
      `SELECT DISTINCT expires FROM invites_invite
       WHERE pact = ? AND expires > 0 AND revoked = 0 AND uses < max_uses AND position >= ?`,
    )
    .all(readModel.pactNo(pact), from)
    .map(row => Number(row.expires))
}

function view(readModel: ReadModel, pact: Pact, row: Row, time: number): InviteView {
  const entry = readModel.entry(pact, row.entry)
  return {
    id: row.id,
    role: row.role,
    state: stateOf(row, time),
    uses: row.uses,
    max_uses: row.max_uses,
    expires: row.expires === 0 ? null : new Date(row.expires).toISOString(),
    note: row.note,
    entry: row.entry,
    created: entry?.timestamp ?? null,
    author: entry?.author ?? null,
  }
}

function stateOf(row: Row, time: number): InviteView['state'] {
  if (row.revoked) return 'revoked'
  if (row.uses >= row.max_uses) return 'spent'
  return row.expires !== 0 && time >= row.expires ? 'expired' : 'open'
}
