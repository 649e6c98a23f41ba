/**
 * Who gets in by an invite: consensus. One record per invite, `inv/<id>`, where the id is what a newcomer shows at the door.
 * A receipt is the newcomer's own request, signed with the key that only the token holds, over exactly the seat it asks for.
 */
import b4a from 'b4a'
import { verifyReceipt } from 'blind-pairing-core'
import crypto from 'hypercore-crypto'
import {
  type Applicant,
  defineRules,
  isRecord,
  type Json,
  type RuleContext,
  type RuledEntry,
} from '../../kernel/rules.ts'

export interface InviteRecord {
  /** Public key, hex. */
  key: string
  role: 'member' | 'admin'
  max: number
  used: number
  /** ms of ledger time; 0 for no end. */
  expires: number
  /** Hex of the identity that invited. */
  by: string
  revoked?: true
}

/** session 32 ‖ signature 64 ‖ length 1 ‖ seat request 96: one request, one encoding. */
const RECEIPT_BYTES = 193
const hex32 = /^[0-9a-f]{64}$/
const hexReceipt = new RegExp(`^[0-9a-f]{${RECEIPT_BYTES * 2}}$`)
const INVITE_ID = crypto.namespace('blind-pairing', 8)[2] as Buffer

/** State key of an invite. */
export const inviteKey = (id: string) => `inv/${id}`

/** Id of an invite (hex) from its public key (hex). */
export function inviteIdOf(publicKey: string): string {
  return b4a.toString(crypto.hash([INVITE_ID, bytes(publicKey)]), 'hex')
}

/** What a newcomer signs with the token's key: the seat it asks for and nothing else. 96 bytes. */
export function seatRequest(applicant: Applicant): Uint8Array {
  return b4a.concat([bytes(applicant.writer), bytes(applicant.noise), bytes(applicant.identity)])
}

/** Whether `receipt` (hex) is this applicant's request, made with the token of the invite. Total: false for anything else. */
export function receiptFits(receipt: unknown, publicKey: string, applicant: Applicant): boolean {
  if (typeof receipt !== 'string' || !hexReceipt.test(receipt)) return false
  try {
    const said = verifyReceipt(bytes(receipt), bytes(publicKey))
    return said !== null && b4a.equals(said, seatRequest(applicant))
  } catch {
    return false
  }
}

export const rules = defineRules({
  protocol: 1,
  defaults: {},
  types: ['invite', 'invite.revoke'],
  validate: (entry, context) => (entry.type === 'invite' ? judgeInvite(entry, context) : judgeRevoke(entry, context)),
  async reduce(entry, context) {
    const payload = entry.payload as Record<string, Json>
    if (entry.type === 'invite') {
      const record: InviteRecord = {
        key: payload.public_key as string,
        role: payload.role as InviteRecord['role'],
        max: payload.max_uses as number,
        used: 0,
        expires: payload.expires as number,
        by: entry.identity,
      }
      await context.state.put(inviteKey(inviteIdOf(record.key)), record)
    } else {
      const key = inviteKey(payload.id as string)
      const record = await context.state.get<InviteRecord>(key)
      if (record) await context.state.put(key, { ...record, revoked: true })
    }
  },
  admits: {
    invite: {
      verify: judgeAdmission,
      async admitted(_applicant, evidence, context) {
        const record = await recordOf(evidence, context)
        if (record) await context.state.put(inviteKey(inviteIdOf(record.key)), { ...record, used: record.used + 1 })
      },
    },
  },
})

async function judgeInvite(entry: RuledEntry, context: RuleContext): Promise<string | undefined> {
  const payload = entry.payload
  if (!isRecord(payload)) return 'invite-invalid'
  const { public_key: key, role, max_uses: uses, expires } = payload
  if (typeof key !== 'string' || !hex32.test(key)) return 'invite-invalid'
  if (role !== 'member' && role !== 'admin') return 'invite-invalid'
  if (!isCount(uses) || uses < 1 || uses > 10_000 || !isCount(expires)) return 'invite-invalid'
  if (!entry.admin && (role === 'admin' || context.invites !== 'member')) return 'not-authorised'
  if (await context.state.get(inviteKey(inviteIdOf(key)))) return 'invite-exists'
  return isOver(expires, context.time) ? 'invite-expired' : undefined
}

async function judgeRevoke(entry: RuledEntry, context: RuleContext): Promise<string | undefined> {
  const payload = entry.payload
  if (!isRecord(payload) || typeof payload.id !== 'string' || !hex32.test(payload.id)) return 'invite-invalid'
  const record = await context.state.get<InviteRecord>(inviteKey(payload.id))
  if (!record) return 'invite-unknown'
  if (!entry.admin && record.by !== entry.identity) return 'not-authorised'
  return record.revoked ? 'invite-revoked' : undefined
}

/** The order is part of the rule: the first reason that holds is the one that every machine records. */
async function judgeAdmission(applicant: Applicant, evidence: Json, context: RuleContext) {
  const record = await recordOf(evidence, context)
  if (!record) return { refuse: 'invite-unknown' }
  if (!receiptFits(isRecord(evidence) ? evidence.receipt : null, record.key, applicant)) {
    return { refuse: 'invite-receipt' }
  }
  const refuse = closed(record, context.time)
  return refuse ? { refuse } : { role: record.role }
}

/** Why an invite lets nobody in any more at ledger time `time`, or undefined while it is open. */
export function closed(record: InviteRecord, time: number): string | undefined {
  if (record.revoked) return 'invite-revoked'
  if (record.used >= record.max) return 'invite-spent'
  return isOver(record.expires, time) ? 'invite-expired' : undefined
}

async function recordOf(evidence: Json, context: Pick<RuleContext, 'state'>): Promise<InviteRecord | null> {
  if (!isRecord(evidence) || typeof evidence.invite !== 'string' || !hex32.test(evidence.invite)) return null
  return context.state.get<InviteRecord>(inviteKey(evidence.invite))
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isOver(expires: number, time: number): boolean {
  return expires !== 0 && time >= expires
}

function bytes(hex: string): Buffer {
  return b4a.from(hex, 'hex') as Buffer
}
