/** Admission of a new device. Its token names the door and nothing more: what opens it is the identity's own 24 words. */
import { contribute, doorTopic, type Pact } from '../../kernel/index.ts'
import { type AdmissionKind, admissionKindPoint } from '../invites/service.ts'
import { encodeToken } from '../invites/token.ts'

const PREFIX = 'opd1'

/** Tells another machine of the same identity where to knock. */
export function deviceLink(pact: Pact): string {
  return encodeToken(PREFIX, doorTopic(pact.key))
}

const kind: AdmissionKind = {
  kind: 'device',
  code: 1,
  prefix: PREFIX,
  bytes: 32,
  read: token => ({ topic: token, ticket: token.toString('hex') }),
  evidence: () => Buffer.alloc(0),
  async examine(_evidence, applicant, pact) {
    const seats = await pact.members()
    if (seats.some(seat => seat.identity === applicant.identity)) return { via: { kind: 'device' } }
    return { refuse: 'refused', words: 'this identity has no seat in the pact; were the same 24 words used?' }
  },
}

export const deviceKind = contribute(admissionKindPoint, kind)
