/**
 * The text of a token: prefix, then base32 of bytes and checksum. Lower case without signs: it survives mail, chat, a shell
 * and being read aloud; a lost or changed letter is noticed before anything is sent anywhere.
 */
import crypto from 'hypercore-crypto'
import { OpenPactError } from '../../kernel/index.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const CHECKSUM_BYTES = 4

/** @param prefix says what kind of token it is, e.g. `op1` */
export function encodeToken(prefix: string, bytes: Buffer): string {
  return prefix + base32(Buffer.concat([bytes, checksum(prefix, bytes)]))
}

/**
 * The bytes behind a token of one of `kinds`.
 * @throws OpenPactError INVITE_MALFORMED
 */
export function decodeToken<Kind extends { prefix: string; bytes: number }>(
  text: string,
  kinds: readonly Kind[],
): { kind: Kind; bytes: Buffer } {
  // Mail and terminals break long lines.
  const token = text.replace(/\s+/g, '').toLowerCase()
  const kind = kinds.find(k => token.startsWith(k.prefix))
  if (!kind) throw malformed(`it should begin with ${kinds.map(k => `"${k.prefix}"`).join(' or ')}`)
  const length = Math.ceil(((kind.bytes + CHECKSUM_BYTES) * 8) / 5)
  const body = token.slice(kind.prefix.length)
  if (body.length !== length)
    throw malformed(`it has ${token.length} letters instead of ${kind.prefix.length + length}`)
  const all = unbase32(body)
  if (!all) throw malformed('it has letters that no token has')
  const bytes = all.subarray(0, kind.bytes)
  if (!all.subarray(kind.bytes).equals(checksum(kind.prefix, bytes)) || base32(all) !== body) {
    throw malformed('its checksum does not fit; a letter is wrong')
  }
  return { kind, bytes }
}

function malformed(reason: string): OpenPactError {
  return new OpenPactError('INVITE_MALFORMED', { reason })
}

function checksum(prefix: string, bytes: Buffer): Buffer {
  return crypto.hash([Buffer.from(prefix), bytes]).subarray(0, CHECKSUM_BYTES)
}

function base32(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text
}

function unbase32(text: string): Buffer | null {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) return null
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push(held >> bits)
      held &= (1 << bits) - 1
    }
  }
  return Buffer.from(bytes)
}
