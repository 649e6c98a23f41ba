/** Admission of a new device. Its token names the door and nothing more: what opens it is the identity's own 24 words. */
import { contribute } from '../../kernel/index.ts'
import { type AdmissionKind, admissionKindPoint } from '../invites/service.ts'
import { DEVICE_PREFIX } from './service.ts'

const kind: AdmissionKind = {
  kind: 'device',
  code: 1,
  prefix: DEVICE_PREFIX,
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
