import { createInvite } from 'blind-pairing-core'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { describe, expect, it } from 'vitest'
import { doorKey, doorTopic } from '../../kernel/index.ts'
import './errors.ts'
import { decodeToken, encodeToken } from './token.ts'

const kinds = [
  { prefix: 'op1', bytes: 66 },
  { prefix: 'opd1', bytes: 32 },
]
const bytes = (n: number) => crypto.hash([Buffer.from([n]), Buffer.alloc(200)]).subarray(0, 32)
const invite = Buffer.concat([bytes(1), bytes(2), Buffer.from([1, 2])])
const token = encodeToken('op1', invite)

const malformed = (text: string) => {
  try {
    decodeToken(text, kinds)
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'fine'
}

describe('tokens', () => {
  it('give their bytes back, whatever case and line breaks mail made of them', () => {
    expect(token).toMatch(/^op1[a-z2-7]{112}$/)
    const sent = ` ${token.slice(0, 40)}\n  ${token.slice(40).toUpperCase()}\r\n`
    expect(decodeToken(sent, kinds)).toEqual({ kind: kinds[0], bytes: invite })
    expect(decodeToken(encodeToken('opd1', bytes(3)), kinds)).toEqual({ kind: kinds[1], bytes: bytes(3) })
  })

  it('notice every wrong, missing, added or swapped letter', () => {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
    fc.assert(
      fc.property(fc.integer({ min: 3, max: token.length - 1 }), fc.nat(31), (at, to) => {
        const letter = alphabet[to] as string
        fc.pre(letter !== token[at])
        expect(malformed(token.slice(0, at) + letter + token.slice(at + 1))).toBe('INVITE_MALFORMED')
        expect(malformed(token.slice(0, at) + token.slice(at + 1))).toBe('INVITE_MALFORMED')
        expect(malformed(token.slice(0, at) + letter + token.slice(at))).toBe('INVITE_MALFORMED')
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  it('refuse anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map(s => `op1${s}`),
        ),
        text => {
          expect(malformed(text)).toBe('INVITE_MALFORMED')
        },
      ),
      { seed: 2, numRuns: 300 },
    )
    expect(malformed(encodeToken('op1', bytes(1)))).toBe('INVITE_MALFORMED')
    expect(malformed(token.replace('op1', 'opd1'))).toBe('INVITE_MALFORMED')
  })

  it('hold no key of the pact', () => {
    const [pactKey, encryptionKey] = [crypto.randomBytes(32), crypto.randomBytes(32)]
    const { bytes: inside } = decodeToken(encodeToken('op1', createInvite(doorKey(pactKey)).invite), kinds)
    for (const secret of [pactKey, encryptionKey, doorKey(pactKey)]) expect(inside.includes(secret)).toBe(false)
    expect(inside.includes(doorTopic(pactKey))).toBe(true)
  })
})
