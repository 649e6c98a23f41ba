/** Entry types of invites. The secret half of an invite is in its token and never in the ledger. */
import { type EntryType, Type } from '../../kernel/index.ts'

const Hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' })

export const Role = Type.Union([Type.Literal('member'), Type.Literal('admin')])

/** An open door for `max_uses` newcomers, until `expires` (ms of ledger time; 0 for no end). */
export const invite: EntryType = {
  name: 'invite',
  v: 1,
  summary: 'Lets whoever holds the token ask for a seat',
  words: 'invited {max_uses} as {role}, expires {expires}: {note}',
  payload: Type.Object({
    public_key: Hex32,
    role: Role,
    max_uses: Type.Integer({ minimum: 1, maximum: 10_000 }),
    expires: Type.Integer({ minimum: 0 }),
    note: Type.Optional(Type.String({ maxLength: 200 })),
  }),
}

/** Closes an invite for good. `id` is what a newcomer shows at the door. */
export const inviteRevoke: EntryType = {
  name: 'invite.revoke',
  v: 1,
  summary: 'Closes an invite',
  words: 'closed the invite {id}',
  payload: Type.Object({ id: Hex32 }),
}
