/** Admission by invite. The token is a blind-pairing invite for the door's topic: it holds no key of the pact. */
import { CandidateRequest, createInvite, decodeInvite, MemberRequest } from 'blind-pairing-core'
import { contribute, doorKey, type Pact } from '../../kernel/index.ts'
import type { Applicant } from '../../kernel/rules.ts'
import { closed, type InviteRecord, inviteIdOf, inviteKey, receiptFits, seatRequest } from './rules.ts'
import { type AdmissionKind, admissionKindPoint, type Examined } from './service.ts'
import { encodeToken } from './token.ts'
import type { DoorStatus } from './wire.ts'

const PREFIX = 'op1'
/** version 1 ‖ flags 1 ‖ seed 32 ‖ door topic 32 */
const TOKEN_BYTES = 66
const CLOSED: Record<string, DoorStatus> = {
  'invite-revoked': 'revoked',
  'invite-spent': 'spent',
  'invite-expired': 'expired',
}

/** Makes the two halves of an invite: the token for the newcomer, the public key (hex) for the ledger. Nothing is written. */
export function newInvite(pact: Pact): { id: string; token: string; publicKey: string } {
  const { invite, publicKey } = createInvite(doorKey(pact.key))
  const key = publicKey.toString('hex')
  return { id: inviteIdOf(key), token: encodeToken(PREFIX, invite), publicKey: key }
}

const kind: AdmissionKind = {
  kind: 'invite',
  code: 0,
  prefix: PREFIX,
  bytes: TOKEN_BYTES,
  read(token) {
    const { discoveryKey, id } = decodeInvite(token)
    return { topic: Buffer.from(discoveryKey), ticket: id.toString('hex') }
  },
  evidence(token, applicant) {
    return Buffer.from(new CandidateRequest(token, Buffer.from(seatRequest(applicant))).encode())
  },
  examine,
}

export const inviteKind = contribute(admissionKindPoint, kind)

async function examine(
  evidence: Buffer,
  applicant: Applicant,
  pact: Pact,
  at: 'applied' | 'confirmed',
  now: number,
): Promise<Examined> {
  const request = readRequest(evidence)
  if (!request) return { refuse: 'refused', words: 'the request is malformed' }
  const id = request.inviteId.toString('hex')
  const record = await pact.state('invites', at).get<InviteRecord>(inviteKey(id))
  if (!record) return { refuse: 'unknown', words: 'this member knows no such invite; another one may' }
  const receipt = openRequest(request, record.key)
  if (!receipt || !receiptFits(receipt, record.key, applicant)) {
    return { refuse: 'refused', words: 'the request was not made for this seat' }
  }
  const reason = closed(record, Math.max(now, await pact.time()))
  if (reason) return { refuse: CLOSED[reason] ?? 'refused', words: '' }
  return { via: { kind: 'invite', invite: id, receipt } }
}

/** A request without session or data makes the library throw far from here; both have a fixed least size. */
function readRequest(evidence: Buffer): MemberRequest | null {
  try {
    const request = MemberRequest.from(evidence)
    const { session, data } = request.requestData
    return request.inviteId?.byteLength === 32 && session?.byteLength === 32 && data?.byteLength >= 16 ? request : null
  } catch {
    return null
  }
}

function openRequest(request: MemberRequest, publicKey: string): string | null {
  try {
    request.open(Buffer.from(publicKey, 'hex'))
    return request.receipt.toString('hex')
  } catch {
    return null
  }
}
