/**
 * Encryption of an archive with a passphrase: argon2id makes the key, secretstream (XChaCha20-Poly1305) seals chunk after chunk.
 *
 * file = magic 8 ‖ format 1 ‖ argon2id passes 4 ‖ bytes of memory 4 ‖ salt 16 ‖ stream header 24 ‖ check 17 ‖ chunks
 * The check is an empty message that is bound to everything before it: it fails when the passphrase is wrong. Every chunk holds
 * 64 KiB but the last, whose tag says that it is the last.
 */
import crypto from 'hypercore-crypto'
import sodium from 'sodium-universal'
import { OpenPactError } from '../../kernel/index.ts'
import './errors.ts'

/** The newest. Since 2 there are files of plugins in it; an archive without them is still written as 1, which older versions restore. */
export const FORMAT = 2
const MAGIC = Buffer.from('OPBACKUP')
const PASSES = 3
const MEMORY = 64 * 1024 * 1024
/** What a file may ask of this machine. */
const MOST_PASSES = 16
const MOST_MEMORY = 1024 * 1024 * 1024
const LEAST_CHARACTERS = 8

const CHUNK = 64 * 1024
const OVERHEAD = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
const SALT = sodium.crypto_pwhash_SALTBYTES
const STREAM_HEADER = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
const HEADER = MAGIC.length + 9 + SALT + STREAM_HEADER
const { crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: MESSAGE } = sodium
const { crypto_secretstream_xchacha20poly1305_TAG_FINAL: FINAL } = sodium

/** @throws OpenPactError PASSPHRASE_WEAK */
export function refuseWeak(passphrase: string): void {
  if ([...passphrase].length < LEAST_CHARACTERS) throw new OpenPactError('PASSPHRASE_WEAK', { least: LEAST_CHARACTERS })
}

/** @throws OpenPactError PASSPHRASE_WEAK */
export async function* encrypt(
  source: AsyncIterable<Buffer>,
  passphrase: string,
  format: number = FORMAT,
): AsyncGenerator<Buffer> {
  refuseWeak(passphrase)
  const head = Buffer.alloc(HEADER)
  const salt = crypto.randomBytes(SALT)
  MAGIC.copy(head)
  head.writeUInt8(format, 8)
  head.writeUInt32BE(PASSES, 9)
  head.writeUInt32BE(MEMORY, 13)
  salt.copy(head, 17)
  const key = await keyOf(passphrase, salt, PASSES, MEMORY)
  const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES)
  sodium.crypto_secretstream_xchacha20poly1305_init_push(state, head.subarray(17 + SALT), key)
  sodium.sodium_memzero(key)
  const seal = (message: Buffer, tag: number, bound: Buffer | null = null) => {
    const sealed = Buffer.alloc(message.length + OVERHEAD)
    sodium.crypto_secretstream_xchacha20poly1305_push(state, sealed, message, bound, tag)
    return sealed
  }
  yield head
  yield seal(Buffer.alloc(0), MESSAGE, head)
  let held: Buffer = Buffer.alloc(0)
  for await (const part of source) {
    held = Buffer.concat([held, part])
    while (held.length > CHUNK) {
      yield seal(held.subarray(0, CHUNK), MESSAGE)
      held = held.subarray(CHUNK)
    }
  }
  yield seal(held, FINAL)
}

/**
 * @param file what messages call the source
 * @throws OpenPactError ARCHIVE_UNKNOWN, ARCHIVE_NEWER, PASSPHRASE_WRONG, ARCHIVE_TRUNCATED, ARCHIVE_DAMAGED
 */
export async function* decrypt(
  source: AsyncIterable<Buffer>,
  passphrase: string,
  file: string,
): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  let state: Buffer | null = null
  let ended = false
  const open = (sealed: Buffer, bound: Buffer | null = null): { message: Buffer; tag: number } | null => {
    const message = Buffer.alloc(sealed.length - OVERHEAD)
    const tag = Buffer.alloc(1)
    try {
      sodium.crypto_secretstream_xchacha20poly1305_pull(state as Buffer, message, tag, sealed, bound)
    } catch {
      return null
    }
    return { message, tag: tag[0] as number }
  }
  const chunk = (sealed: Buffer, last: boolean): Buffer => {
    const opened = sealed.length >= OVERHEAD ? open(sealed) : null
    if (opened && (opened.tag === FINAL) === last) return opened.message
    if (last && (opened || sealed.length < OVERHEAD)) throw new OpenPactError('ARCHIVE_TRUNCATED', { file })
    throw new OpenPactError('ARCHIVE_DAMAGED', {
      file,
      reason: last ? 'its end is missing or was changed' : 'a part of it is not what was written',
    })
  }
  for await (const part of source) {
    held = Buffer.concat([held, part])
    if (!state && held.length >= HEADER + OVERHEAD) {
      const head = held.subarray(0, HEADER)
      state = await begin(head, passphrase, file)
      if (!open(held.subarray(HEADER, HEADER + OVERHEAD), head)) throw new OpenPactError('PASSPHRASE_WRONG')
      held = held.subarray(HEADER + OVERHEAD)
    }
    while (state && held.length > CHUNK + OVERHEAD) {
      yield chunk(held.subarray(0, CHUNK + OVERHEAD), false)
      held = held.subarray(CHUNK + OVERHEAD)
    }
    ended = true
  }
  if (state) yield chunk(held, true)
  else if (ended && held.subarray(0, 8).equals(MAGIC)) throw new OpenPactError('ARCHIVE_TRUNCATED', { file })
  else throw new OpenPactError('ARCHIVE_UNKNOWN', { file, reason: 'it does not begin like one' })
}

async function begin(head: Buffer, passphrase: string, file: string): Promise<Buffer> {
  if (!head.subarray(0, 8).equals(MAGIC))
    throw new OpenPactError('ARCHIVE_UNKNOWN', { file, reason: 'it does not begin like one' })
  const found = head.readUInt8(8)
  if (found > FORMAT) throw new OpenPactError('ARCHIVE_NEWER', { found, known: FORMAT })
  const [passes, memory] = [head.readUInt32BE(9), head.readUInt32BE(13)]
  if (found < 1 || passes < 1 || passes > MOST_PASSES || memory < 8192 || memory > MOST_MEMORY)
    throw new OpenPactError('ARCHIVE_DAMAGED', { file, reason: 'its head asks for what no archive asks' })
  const key = await keyOf(passphrase, head.subarray(17, 17 + SALT), passes, memory)
  const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES)
  sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, head.subarray(17 + SALT), key)
  sodium.sodium_memzero(key)
  return state
}

async function keyOf(passphrase: string, salt: Buffer, passes: number, memory: number): Promise<Buffer> {
  const key = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES)
  const { crypto_pwhash_ALG_ARGON2ID13: algorithm } = sodium
  const words = Buffer.from(passphrase.normalize('NFKC'))
  await sodium.crypto_pwhash_async(key, words, salt, passes, memory, algorithm)
  return key
}
