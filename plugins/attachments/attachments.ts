/**
 * Content too large for an entry: one core each in the pact's own store, encrypted like its other cores, replicated over its tunnel and
 * served on by whoever holds it. What an attachment says is fixed by its hash; where it belongs, by its core's key.
 */
import { createHash } from 'node:crypto'
import Hypercore, { type Manifest } from 'hypercore'
import crypto from 'hypercore-crypto'
import { OpenPactError, type Pact } from '../../kernel/index.ts'
import './errors.ts'
import { ATTACHMENT_LIMIT, type AttachmentRef, type Attachments, type ReadAttachmentOptions } from './service.ts'

/** Bytes of a block. */
const BLOCK = 64 * 1024
/** ms that a read waits by default. */
const PATIENCE = 10_000
const hex = /^[0-9a-f]{64}$/

const [NS_ATTACHMENT] = crypto.namespace('openpact/attachment', 1) as [Buffer]

/** The service: each pact's attachments in its own store. */
export const onCores: Attachments = {
  /** The same bytes attached again by this machine are the same core. */
  async attach(pact, bytes) {
    const { length } = bytes
    if (length < 1 || length > ATTACHMENT_LIMIT) throw invalid(`it has ${length} bytes; 1 to ${ATTACHMENT_LIMIT} fit`)
    const { cores, encryption, manifest } = placeIn(pact)
    const hash = sha256(bytes)
    const keyPair = await cores.createKeyPair(`attachment/${hash}`)
    const core = cores.get({ keyPair, manifest: manifest(keyPair.publicKey), encryption })
    try {
      await core.ready()
      if (core.length === 0) await core.append(blocksOf(bytes))
      return { core: core.key.toString('hex'), signer: keyPair.publicKey.toString('hex'), length, hash }
    } finally {
      await core.close()
    }
  },

  async held(pact, ref) {
    const core = open(pact, ref)
    try {
      await core.ready()
      return await core.has(0, blockCount(ref))
    } finally {
      await core.close()
    }
  },

  async read(pact, ref, options = {}) {
    const core = open(pact, ref)
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
  },
}

/** @throws OpenPactError ATTACHMENT_INVALID, ATTACHMENT_FOREIGN, PACT_CLOSED */
function open(pact: Pact, ref: AttachmentRef): Hypercore {
  const { cores, encryption, manifest: manifestOf } = placeIn(pact)
  if (![ref.core, ref.signer, ref.hash].every(text => hex.test(text))) throw invalid('its keys are not 64 hex digits')
  if (!Number.isSafeInteger(ref.length) || ref.length < 1 || ref.length > ATTACHMENT_LIMIT)
    throw invalid('its length is out of range')
  const manifest = manifestOf(Buffer.from(ref.signer, 'hex'))
  const key = Hypercore.key(manifest)
  if (key.toString('hex') !== ref.core) throw new OpenPactError('ATTACHMENT_FOREIGN')
  return cores.get({ key, manifest, encryption, writable: false })
}

/** Where the attachments of a pact are. @throws OpenPactError PACT_CLOSED */
function placeIn({ alias, closed, cores, key, encryptionKey }: Pact) {
  if (closed) throw new OpenPactError('PACT_CLOSED', { pact: alias })
  const namespace = crypto.hash([NS_ATTACHMENT, key])
  return {
    cores,
    encryption: { key: encryptionKey },
    /** The pact is part of the key: a core of another pact, or one that does something else in this one, has another key. */
    manifest: (publicKey: Buffer): Manifest => ({
      version: 1,
      quorum: 1,
      signers: [{ signature: 'ed25519', namespace, publicKey }],
    }),
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
