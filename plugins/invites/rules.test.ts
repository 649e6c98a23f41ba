import { CandidateRequest, createInvite, MemberRequest } from 'blind-pairing-core'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { describe, expect, it } from 'vitest'
import type { Applicant, Json, RuleContext, RuledEntry, WritableRuleState } from '../../kernel/rules.ts'
import { type InviteRecord, inviteIdOf, inviteKey, receiptFits, rules, seatRequest } from './rules.ts'

type Context = RuleContext & { state: WritableRuleState }

const key = (n: number) => crypto.hash(Buffer.from([n])).toString('hex')
const admin = key(1)
const member = key(2)

function ledger(invites: 'admin' | 'member' = 'member') {
  const rows = new Map<string, string>()
  const state: WritableRuleState = {
    get: async <T>(k: string) => (rows.has(k) ? (JSON.parse(rows.get(k) as string) as T) : null),
    put: async (k, value) => void rows.set(k, JSON.stringify(value)),
    delete: async k => void rows.delete(k),
  }
  let time = 1000
  const context = (): Context => ({
    settings: {},
    time,
    invites,
    door: Buffer.alloc(32),
    state,
    seated: async () => false,
  })
  return {
    context,
    passTo: (moment: number) => {
      time = moment
    },
    record: (id: string) => state.get<InviteRecord>(inviteKey(id)),
    async write(type: string, payload: unknown, by = admin): Promise<string> {
      const entry = { type, payload, identity: by, admin: by === admin } as RuledEntry
      const refusal = await rules.validate?.(entry, context())
      if (refusal === undefined) await rules.reduce?.(entry, context())
      return refusal ?? 'accepted'
    },
    async admit(applicant: Applicant, evidence: Json): Promise<string> {
      const verdict = await rules.admits?.invite?.verify(applicant, evidence, context())
      if (!verdict || 'refuse' in verdict) return verdict?.refuse ?? 'none'
      await rules.admits?.invite?.admitted?.(applicant, evidence, context())
      return verdict.role
    },
  }
}

function invite(seed: number) {
  const made = createInvite(Buffer.alloc(32, 7), { seed: crypto.hash(Buffer.from(`seed ${seed}`)) })
  const publicKey = made.publicKey.toString('hex')
  return {
    id: made.id.toString('hex'),
    publicKey,
    payload: (more: object = {}) => ({ public_key: publicKey, role: 'member', max_uses: 1, expires: 0, ...more }),
    evidence(applicant: Applicant, says: Uint8Array = seatRequest(applicant)) {
      const request = MemberRequest.from(new CandidateRequest(made.invite, Buffer.from(says)).encode())
      request.open(made.publicKey)
      return { kind: 'invite', invite: made.id.toString('hex'), receipt: request.receipt.toString('hex') }
    },
  }
}

const someone = (n: number): Applicant => ({ identity: key(100 + n), writer: key(n), noise: key(50 + n) })

describe('invites', () => {
  it('gives the id that blind-pairing gives', () => {
    const one = invite(1)
    expect(inviteIdOf(one.publicKey)).toBe(one.id)
  })

  it('are made by admins, and by members where the charter says so', async () => {
    const open = ledger('member')
    expect(await open.write('invite', invite(1).payload(), member)).toBe('accepted')
    expect(await open.write('invite', invite(2).payload({ role: 'admin' }), member)).toBe('not-authorised')
    expect(await open.write('invite', invite(2).payload({ role: 'admin' }), admin)).toBe('accepted')
    const strict = ledger('admin')
    expect(await strict.write('invite', invite(1).payload(), member)).toBe('not-authorised')
    expect(await strict.write('invite', invite(1).payload(), admin)).toBe('accepted')
  })

  it('cannot be made twice or over their time', async () => {
    const pact = ledger()
    expect(await pact.write('invite', invite(1).payload({ expires: 5000 }))).toBe('accepted')
    expect(await pact.write('invite', invite(1).payload({ max_uses: 9 }))).toBe('invite-exists')
    expect(await pact.write('invite', invite(2).payload({ expires: 1000 }))).toBe('invite-expired')
    expect((await pact.record(invite(1).id))?.max).toBe(1)
  })

  it('are revoked by an admin or by whoever made them, once', async () => {
    const pact = ledger()
    const [mine, theirs] = [invite(1), invite(2)]
    await pact.write('invite', mine.payload(), member)
    await pact.write('invite', theirs.payload(), admin)
    expect(await pact.write('invite.revoke', { id: theirs.id }, member)).toBe('not-authorised')
    expect(await pact.write('invite.revoke', { id: mine.id }, member)).toBe('accepted')
    expect(await pact.write('invite.revoke', { id: mine.id }, admin)).toBe('invite-revoked')
    expect(await pact.write('invite.revoke', { id: key(9) }, admin)).toBe('invite-unknown')
  })
})

describe('admission by invite', () => {
  it('judges in this order: unknown, receipt, revoked, spent, expired', async () => {
    const pact = ledger()
    const one = invite(1)
    const [a, b] = [someone(1), someone(2)]
    expect(await pact.admit(a, one.evidence(a))).toBe('invite-unknown')
    await pact.write('invite', one.payload({ expires: 5000, role: 'admin' }))
    expect(await pact.admit(a, one.evidence(b))).toBe('invite-receipt')
    expect(await pact.admit(a, one.evidence(a))).toBe('admin')
    expect(await pact.admit(b, one.evidence(b))).toBe('invite-spent')
    pact.passTo(5000)
    expect(await pact.admit(b, one.evidence(b))).toBe('invite-spent')
    await pact.write('invite.revoke', { id: one.id })
    expect(await pact.admit(b, one.evidence(b))).toBe('invite-revoked')
    expect(await pact.admit(b, one.evidence(a))).toBe('invite-receipt')
  })

  it('ends by ledger time at the moment that was named', async () => {
    const pact = ledger()
    const one = invite(1)
    await pact.write('invite', one.payload({ expires: 5000, max_uses: 2 }))
    pact.passTo(4999)
    expect(await pact.admit(someone(1), one.evidence(someone(1)))).toBe('member')
    pact.passTo(5000)
    expect(await pact.admit(someone(2), one.evidence(someone(2)))).toBe('invite-expired')
  })

  it('takes a receipt for exactly the seat that it was made for', () => {
    const one = invite(1)
    const applicant = someone(1)
    const { receipt } = one.evidence(applicant)
    expect(receiptFits(receipt, one.publicKey, applicant)).toBe(true)
    expect(receiptFits(receipt, invite(2).publicKey, applicant)).toBe(false)
    fc.assert(
      fc.property(fc.nat(receipt.length / 2 - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(receipt, 'hex')
        bytes.writeUInt8((bytes[at] as number) ^ flip, at)
        expect(receiptFits(bytes.toString('hex'), one.publicKey, applicant)).toBe(false)
      }),
      { seed: 1, numRuns: 300 },
    )
    for (const other of ['identity', 'writer', 'noise'] as const) {
      expect(receiptFits(receipt, one.publicKey, { ...applicant, [other]: key(99) })).toBe(false)
    }
    for (const bad of [null, '', `${receipt}00`, receipt.slice(2), receipt.toUpperCase(), 7, {}]) {
      expect(receiptFits(bad, one.publicKey, applicant)).toBe(false)
    }
  })

  it('never lets more in than the invite says, nor after it was revoked or over', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('admit' as const), who: fc.nat(30), by: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), by: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), for: fc.integer({ min: 1, max: 900 }) }) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ max: fc.integer({ min: 1, max: 4 }), life: fc.nat(3000) }), {
          minLength: 3,
          maxLength: 3,
        }),
        fc.array(step, { maxLength: 40 }),
        async (made, steps) => {
          const pact = ledger()
          const all = made.map((m, i) => ({
            ...m,
            invite: invite(i),
            ends: m.life && 1000 + m.life,
            used: 0,
            revoked: false,
          }))
          for (const each of all) {
            await pact.write('invite', each.invite.payload({ max_uses: each.max, expires: each.ends }))
          }
          let now = 1000
          for (const each of steps) {
            if (each.do === 'wait') {
              now += each.for
              pact.passTo(now)
            } else {
              const of = all[each.by] as (typeof all)[number]
              if (each.do === 'revoke') {
                await pact.write('invite.revoke', { id: of.invite.id })
                of.revoked = true
              } else {
                const may = !of.revoked && of.used < of.max && (of.ends === 0 || now < of.ends)
                const verdict = await pact.admit(someone(each.who), of.invite.evidence(someone(each.who)))
                expect(verdict === 'member').toBe(may)
                if (may) of.used++
              }
            }
          }
          for (const each of all) expect((await pact.record(each.invite.id))?.used).toBe(each.used)
        },
      ),
      { seed: 2, numRuns: 60 },
    )
  })

  it('answers a code to any payload and any evidence, and never throws', async () => {
    const pact = ledger()
    const one = invite(1)
    await pact.write('invite', one.payload({ max_uses: 1000 }))
    const code = /^[a-z-]+$/
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom('invite', 'invite.revoke'), async (payload, type) => {
        expect(await pact.write(type, payload)).toMatch(/^invite-/)
        expect(await pact.admit(someone(1), payload as Json)).toBe('invite-unknown')
        expect(await pact.admit(someone(1), { invite: one.id, receipt: payload as Json })).toBe('invite-receipt')
      }),
      { seed: 3, numRuns: 300 },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          {
            public_key: fc.oneof(fc.constant(invite(5).publicKey), fc.string()),
            role: fc.oneof(fc.constantFrom('admin', 'member'), fc.jsonValue()),
            max_uses: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
            expires: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
          },
          { requiredKeys: [] },
        ),
        async payload => {
          expect(await pact.write('invite', payload)).toMatch(code)
        },
      ),
      { seed: 4, numRuns: 300 },
    )
  })
})
