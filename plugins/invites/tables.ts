/** The read model of invites: what the list shows. How far an invite is used up is decided by the rule; this repeats it. */
import { isRecord } from '../../kernel/rules.ts'
import { table } from '../read-model/table.ts'
import { inviteIdOf } from './rules.ts'

interface InvitePayload {
  public_key: string
  role: string
  max_uses: number
  expires: number
  note?: string
}

export const invitesTable = table({
  name: 'invites_invite',
  version: 1,
  types: ['invite', 'invite.revoke', 'member.add'],
  create: `
    CREATE TABLE invites_invite (
      pact INTEGER NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, entry TEXT NOT NULL, role TEXT NOT NULL,
      max_uses INTEGER NOT NULL, uses INTEGER NOT NULL, expires INTEGER NOT NULL, revoked INTEGER NOT NULL, note TEXT
    );
    CREATE UNIQUE INDEX invites_invite_id ON invites_invite (pact, id);
    CREATE INDEX invites_invite_position ON invites_invite (pact, position);
    CREATE INDEX invites_invite_expires ON invites_invite (pact, expires) WHERE revoked = 0 AND uses < max_uses;`,
  project(record, db, { pactNo, payload, emit }) {
    if (record.entry?.type === 'invite') {
      const { public_key, role, max_uses, expires, note = null } = payload as InvitePayload
      const id = inviteIdOf(public_key)
      db.prepare('INSERT INTO invites_invite VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?)').run(
        pactNo,
        id,
        record.position,
        record.id,
        role,
        max_uses,
        expires,
        note,
      )
      emit({ subject: 'invite', id, kind: 'invite.created', data: { role, max_uses, expires } })
    } else if (record.entry?.type === 'invite.revoke') {
      const { id } = payload as { id: string }
      db.prepare('UPDATE invites_invite SET revoked = 1 WHERE pact = ? AND id = ?').run(pactNo, id)
      emit({ subject: 'invite', id, kind: 'invite.revoked' })
    } else {
      const id = inviteOf(payload)
      if (id === null) return
      db.prepare('UPDATE invites_invite SET uses = uses + 1 WHERE pact = ? AND id = ?').run(pactNo, id)
      emit({ subject: 'invite', id, kind: 'invite.used', data: { entry: record.id } })
    }
  },
})

/** The invite that seated somebody, or null for another way in. `member.add` is the kernel's type: it has no schema here. */
function inviteOf(payload: unknown): string | null {
  const via = isRecord(payload) ? payload.via : null
  return isRecord(via) && via.kind === 'invite' && typeof via.invite === 'string' ? via.invite : null
}
