/**
 * Content too large for an entry: one core each in the pact's own store, encrypted like its other cores, replicated over its tunnel and
 * served on by whoever holds it. What an attachment says is fixed by its hash; where it belongs, by its core's key.
 */
import { createHash } from 'node:crypto'
import type Corestore from 'corestore'
import Hypercore, { type Manifest } from 'hypercore'
import crypto from 'hypercore-crypto'
import { defineErrors, OpenPactError } from '../errors.ts'
import type { AttachmentRef, ReadAttachmentOptions } from '../pact.ts'

defineErrors({
  ATTACHMENT_INVALID: {
    kind: 'invalid',
    message: 'The attachment is not valid: {reason}',
    help: 'Split or shorten the content; a reference is passed on exactly as `attach` gave it.',
  },
  ATTACHMENT_FOREIGN: {
    kind: 'forbidden',
    message: 'The reference names a core that is no attachment of this pact.',
    help: 'Ask its author to publish the content in this pact.',
  },
  ATTACHMENT_MISSING: {
    kind: 'unavailable',
    message: 'The attached content is not on this machine yet: {have} of {of} blocks.',
    help: 'It arrives once a member that has it is online; `openpact status` lists who is. Then try again.',
  },
  ATTACHMENT_CORRUPT: {
    kind: 'unprocessable',
    message: 'The attached content is not what its author announced.',
    help: 'Do not use it; ask its author to publish it again.',
  },
})

/** Bytes of one attachment, and of one of its blocks. */
export const ATTACHMENT_LIMIT = 16 * 1024 * 1024
const BLOCK = 64 * 1024
/** ms that a read waits by default. */
const PATIENCE = 10_000
const hex = /^[0-9a-f]{64}$/

const [NS_ATTACHMENT] = crypto.namespace('openpact/attachment', 1) as [Buffer]

export class Attachments {
  private readonly store: Corestore
  private readonly namespace: Buffer
  private readonly encryption: { key: Buffer }

  constructor(store: Corestore, key: Buffer, encryptionKey: Buffer) {
    this.store = store
    this.namespace = crypto.hash([NS_ATTACHMENT, key])
    this.encryption = { key: encryptionKey }
  }

  /** The same bytes attached again by this machine are the same core. */
  async attach(bytes: Buffer): Promise<AttachmentRef> {
    const { length } = bytes
    if (length < 1 || length > ATTACHMENT_LIMIT) throw invalid(`it has ${length} bytes; 1 to ${ATTACHMENT_LIMIT} fit`)
    const hash = sha256(bytes)
    const keyPair = await this.store.createKeyPair(`attachment/${hash}`)
    const manifest = this.manifest(keyPair.publicKey)
    const core = this.store.get({ keyPair, manifest, encryption: this.encryption })
    try {
      await core.ready()
      if (core.length === 0) await core.append(blocksOf(bytes))
      return { core: core.key.toString('hex'), signer: keyPair.publicKey.toString('hex'), length, hash }
    } finally {
      await core.close()
    }
  }

  /** Whether all of it is on this machine. */
  async held(ref: AttachmentRef): Promise<boolean> {
    const core = this.open(ref)
    try {
      await core.ready()
      return await core.has(0, blockCount(ref))
    } finally {
      await core.close()
    }
  }

  async read(ref: AttachmentRef, options: ReadAttachmentOptions = {}): Promise<Buffer> {
    const core = this.open(ref)
    const of = blockCount(ref)
    let have = 0
    try {
      await core.ready()
      have = await countHeld(core, of)
      const arrived = () => options.progress?.(++have, of)
      if (have < of) await fetchWithin(core.on('download', arrived), ref, of, options)
      return await contentOf(core, ref, of)
    } catch (error) {
      if (error instanceof OpenPactError || !core.closing) throw error
      throw new OpenPactError('ATTACHMENT_MISSING', { have, of }, { cause: error })
    } finally {
      await core.close()
    }
  }

  /** @throws OpenPactError ATTACHMENT_INVALID, ATTACHMENT_FOREIGN */
  private open(ref: AttachmentRef): Hypercore {
    if (![ref.core, ref.signer, ref.hash].every(text => hex.test(text))) throw invalid('its keys are not 64 hex digits')
    if (!Number.isSafeInteger(ref.length) || ref.length < 1 || ref.length > ATTACHMENT_LIMIT)
      throw invalid('its length is out of range')
    const manifest = this.manifest(Buffer.from(ref.signer, 'hex'))
    const key = Hypercore.key(manifest)
    if (key.toString('hex') !== ref.core) throw new OpenPactError('ATTACHMENT_FOREIGN')
    return this.store.get({ key, manifest, encryption: this.encryption, writable: false })
  }

  /** The pact is part of the key: a core of another pact, or one that does something else in this one, has another key. */
  private manifest(publicKey: Buffer): Manifest {
    return { version: 1, quorum: 1, signers: [{ signature: 'ed25519', namespace: this.namespace, publicKey }] }
  }
}

/** Fetches all blocks from whoever is connected. When waiting is over the session is closed, which takes back what it asked for. */
async function fetchWithin(
  core: Hypercore,
  ref: AttachmentRef,
  of: number,
  { timeout = PATIENCE, signal }: ReadAttachmentOptions,
): Promise<void> {
  const stop = () => void core.close()
  if (timeout === 0 || signal?.aborted) stop()
  const timer = timeout === null ? undefined : setTimeout(stop, timeout)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    // The first block shows whether there is as much as was announced.
    await core.get(0)
    if (core.length !== of || core.byteLength !== ref.length) throw new OpenPactError('ATTACHMENT_CORRUPT')
    await core.download({ start: 0, end: of }).done()
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

async function contentOf(core: Hypercore, ref: AttachmentRef, of: number): Promise<Buffer> {
  const blocks: Buffer[] = []
  for (let i = 0; i < of; i++) blocks.push((await core.get(i)) as Buffer)
  const bytes = Buffer.concat(blocks)
  if (sha256(bytes) !== ref.hash) throw new OpenPactError('ATTACHMENT_CORRUPT')
  return bytes
}

async function countHeld(core: Hypercore, of: number): Promise<number> {
  const held = await Promise.all(Array.from({ length: of }, (_, i) => core.has(i)))
  return held.filter(Boolean).length
}

function blocksOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / BLOCK) }, (_, i) => bytes.subarray(i * BLOCK, (i + 1) * BLOCK))
}

function blockCount({ length }: AttachmentRef): number {
  return Math.ceil(length / BLOCK)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function invalid(reason: string): OpenPactError {
  return new OpenPactError('ATTACHMENT_INVALID', { reason })
}
