/** Writes, verifies and takes apart archives. The command line uses it without a daemon. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, link, open, rm } from 'node:fs/promises'
import {
  type CarriedAgent,
  type Followed,
  follow,
  isOpenPactError,
  type LogRecord,
  OpenPactError,
  outOfSpace,
  pactId,
  takeBlock,
  verifyDeviceProof,
} from '../../kernel/index.ts'
import { ATTACHMENT_LIMIT } from '../attachments/service.ts'
import { type Named, note, type Tally } from './attached.ts'
import { decrypt, encrypt } from './cipher.ts'
import {
  exportStatement,
  type IdentityFile,
  type LogEnd,
  type Manifest,
  type PactCard,
  type Waiting,
} from './contents.ts'
import './errors.ts'
import { isPluginFile, readFrames } from './frames.ts'
import type { LeftOut } from './plugin-files.ts'

/** What an archive turned out to hold. */
export interface ArchiveReport extends Tally {
  created: string
  version: string
  /** Hex. */
  identity: string
  pacts: { id: string; alias: string; entries: number; chain: string }[]
  /** Read in `local.db`, not verified here. */
  waiting: Waiting[]
  /** Ids of pacts that were on the machine and are not in it. */
  left_out: string[]
  /** Files of plugins that lie in the data directory. */
  plugin_files: number
  plugins_left_out: LeftOut[]
  bytes: number
}

/** Writes an encrypted archive, whole or not at all. Answers its size. @throws OpenPactError ARCHIVE_EXISTS, ARCHIVE_UNFINISHED, DISK_FULL … */
export async function writeArchive(
  file: string,
  source: AsyncIterable<Buffer>,
  passphrase: string,
  format?: number,
): Promise<number> {
  const draft = `${file}.part`
  let handle: FileHandle | null = null
  let bytes = 0
  try {
    handle = await open(draft, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
      throw new OpenPactError('ARCHIVE_UNFINISHED', { file: draft }, { cause: error })
    })
    for await (const part of encrypt(source, passphrase, format)) {
      await handle.write(part)
      bytes += part.length
    }
    await handle.sync()
    // Unlike a rename, a link never replaces what is there.
    await link(draft, file)
    return bytes
  } catch (error) {
    throw asCoded(error, file)
  } finally {
    await handle?.close()
    if (handle) await rm(draft, { force: true })
  }
}

/** Takes what an archive holds, piece by piece, once it was verified. */
export interface ArchiveSink {
  manifest?(manifest: Manifest): Promise<void> | void
  identity?(identity: IdentityFile): Promise<void> | void
  /** Configuration, token, local.db, `contents/<pact>/<sha256>` or `plugins/<path>`, in parts; `null` ends it. */
  file?(name: string, part: Buffer | null): Promise<void> | void
  /** A log begins, perhaps anew. */
  pact?(card: PactCard): Promise<void> | void
  record?(card: PactCard, record: LogRecord, block: Buffer): Promise<void> | void
  pactEnd?(card: PactCard, end: LogEnd, agents: ReadonlyMap<string, CarriedAgent>): Promise<void> | void
}

/**
 * Reads an archive from its first to its last byte and verifies everything in it.
 * @throws OpenPactError ARCHIVE_*, PASSPHRASE_WRONG, LOG_UNPROVEN
 */
export async function readArchive(file: string, passphrase: string, sink: ArchiveSink = {}): Promise<ArchiveReport> {
  const reader = new ArchiveReader(sink, file)
  const source = createReadStream(file) as AsyncIterable<Buffer>
  const counted = async function* () {
    for await (const part of source) {
      reader.bytes += part.length
      yield part
    }
  }
  try {
    await readFrames(decrypt(counted(), passphrase, file), reader, file)
  } catch (error) {
    throw asCoded(error, file)
  }
  return reader.report()
}

const SMALL = 1024 * 1024

class ArchiveReader {
  bytes = 0
  private readonly sink: ArchiveSink
  private readonly file: string
  private name = ''
  private held: Buffer = Buffer.alloc(0)
  private manifest: Manifest | null = null
  private identified = false
  private card: PactCard | null = null
  private log: Followed | null = null
  private agents = new Map<string, CarriedAgent>()
  private readonly pacts: ArchiveReport['pacts'] = []
  private named: Named = new Map()
  /** `<pact>/<sha256>` of the contents that its log names, until they come. */
  private readonly awaited = new Set<string>()
  private content: { key: string; sha256: Hash; length: number } | null = null
  private contents = 0
  private pluginFiles = 0

  constructor(sink: ArchiveSink, file: string) {
    this.sink = sink
    this.file = file
  }

  report(): ArchiveReport {
    const { manifest, pacts, bytes } = this
    if (!manifest || !this.identified || manifest.pacts.length !== pacts.length) throw this.damaged('a part is missing')
    const { created, version, identity, waiting = [], left_out = [], plugins_left_out = [] } = manifest
    const tally: Tally = { contents: this.contents, contents_missing: this.awaited.size }
    const plugins = { plugin_files: this.pluginFiles, plugins_left_out }
    return { created, version, identity, pacts, waiting, left_out, ...plugins, bytes, ...tally }
  }

  async begin(name: string): Promise<void> {
    this.name = name
    this.held = Buffer.alloc(0)
    if (!this.manifest && name !== 'manifest.json') throw this.damaged('it does not begin with its manifest')
    if (name.startsWith('contents/')) {
      const key = name.slice('contents/'.length)
      const [, pact] = /^([0-9a-f]{64})\/[0-9a-f]{64}$/.exec(key) ?? []
      // Of a pact that was not open itself, the log that names it is in local.db.
      const named = pact && this.manifest && !this.manifest.pacts.includes(pact)
      if (!named && !this.awaited.has(key)) throw this.damaged('it holds a content that no entry names')
      this.content = { key, sha256: createHash('sha256'), length: 0 }
    }
    if (!name.endsWith('/log')) return
    if (!this.card || name !== `pacts/${this.card.id}/log`) throw this.damaged('a log belongs to no pact')
    this.log = follow(Buffer.from(this.card.key, 'hex'))
    this.agents = new Map()
    this.named = new Map()
    await this.sink.pact?.(this.card)
  }

  async data(bytes: Buffer): Promise<void> {
    if (this.content) {
      this.content.sha256.update(bytes)
      this.content.length += bytes.length
      if (this.content.length > ATTACHMENT_LIMIT) throw this.damaged('a content is too long')
    }
    if (isFile(this.name)) return this.sink.file?.(this.name, bytes)
    this.held = Buffer.concat([this.held, bytes])
    if (this.name.endsWith('/log')) await this.blocks()
    else if (this.held.length > SMALL) throw this.damaged(`${this.name} is too long`)
  }

  async end(): Promise<void> {
    const { name } = this
    if (this.content) this.takeContent(this.content)
    if (isPluginFile(name)) this.pluginFiles++
    if (isFile(name)) return this.sink.file?.(name, null)
    if (name.endsWith('/log')) {
      if (this.held.length > 0) throw this.damaged('a log ends within a record')
      return
    }
    const value = this.json()
    if (name === 'manifest.json') await this.takeManifest(value as Manifest)
    else if (name === 'identity.json') await this.takeIdentity(value as IdentityFile)
    else if (name.endsWith('/card.json')) this.takeCard(value as PactCard)
    else if (name.endsWith('/end.json')) await this.takeEnd(value as LogEnd)
    else throw this.damaged(`it holds an unknown file ${name}`)
  }

  private takeContent({ key, sha256 }: { key: string; sha256: Hash }): void {
    if (!key.endsWith(`/${sha256.digest('hex')}`)) throw this.damaged('a content is not what its entry says')
    this.awaited.delete(key)
    this.contents++
    this.content = null
  }

  private async takeManifest(manifest: Manifest): Promise<void> {
    if (manifest.format !== 1 || !Array.isArray(manifest.pacts)) throw this.damaged('its manifest is of another kind')
    this.manifest = manifest
    await this.sink.manifest?.(manifest)
  }

  private async takeIdentity(identity: IdentityFile): Promise<void> {
    const ok = typeof identity.mnemonic === 'string' && typeof identity.agents?.[identity.default_agent] === 'string'
    if (!ok) throw this.damaged('its identity is incomplete')
    this.identified = true
    await this.sink.identity?.(identity)
  }

  private takeCard(card: PactCard): void {
    const hex = /^[0-9a-f]{64}$/
    if (!hex.test(card.key) || !hex.test(card.encryptionKey) || pactId(Buffer.from(card.key, 'hex')) !== card.id)
      throw this.damaged('the keys of a pact do not fit it')
    this.card = card
    this.log = null
  }

  private async blocks(): Promise<void> {
    const { log, agents, card } = this
    if (!log || !card) throw this.damaged('a log belongs to no pact')
    const known = {
      get: (key: string) => agents.get(key) ?? null,
      put: (key: string, agent: CarriedAgent) => void agents.set(key, agent),
    }
    let at = 0
    while (this.held.length - at >= 4) {
      const end = at + 4 + this.held.readUInt32BE(at)
      if (end - at > SMALL) throw this.damaged('a record is too long')
      if (this.held.length < end) break
      const block = this.held.subarray(at + 4, end)
      const record = await takeBlock(log, known, block)
      if (typeof record === 'string') throw new OpenPactError('LOG_UNPROVEN', { position: log.done, reason: record })
      note(this.named, record)
      await this.sink.record?.(card, record, block)
      at = end
    }
    this.held = this.held.subarray(at)
  }

  private async takeEnd(end: LogEnd): Promise<void> {
    const { log, card, manifest } = this
    if (!log || !card || !manifest) throw this.damaged('a log belongs to no pact')
    const statement = exportStatement(Buffer.from(card.key, 'hex'), log.done, Buffer.from(log.at, 'hex'))
    const device = Buffer.from(manifest.device, 'hex')
    const proven = verifyDeviceProof(Buffer.from(end.signature, 'hex'), statement, device)
    if (end.length !== log.done || end.chain !== log.at || proven?.identity.toString('hex') !== manifest.identity)
      throw this.damaged(`the log of "${card.alias}" is not what its device signed`)
    this.pacts.push({ id: card.id, alias: card.alias, entries: log.done, chain: log.at })
    for (const hash of this.named.keys()) this.awaited.add(`${card.id}/${hash}`)
    await this.sink.pactEnd?.(card, end, this.agents)
    this.card = null
    this.log = null
  }

  private json(): unknown {
    try {
      return JSON.parse(this.held.toString('utf8'))
    } catch {
      throw this.damaged(`${this.name} is not JSON`)
    }
  }

  private damaged(reason: string): OpenPactError {
    return new OpenPactError('ARCHIVE_DAMAGED', { file: this.file, reason })
  }
}

function isFile(name: string): boolean {
  // Whatever else there is under config/ would take the place of something that the archive has elsewhere.
  if (/^config\/openpact\.config\.[a-z]{2,5}$/.test(name) || isPluginFile(name)) return true
  return name === 'token' || name === 'local.db' || name.startsWith('contents/')
}

function asCoded(error: unknown, file: string): unknown {
  if (isOpenPactError(error)) return error
  const { code } = error as NodeJS.ErrnoException
  if (outOfSpace(error)) return new OpenPactError('DISK_FULL', {}, { cause: error })
  if (code === 'EEXIST') return new OpenPactError('ARCHIVE_EXISTS', { file }, { cause: error })
  return code ? new OpenPactError('ARCHIVE_UNREADABLE', { file, reason: code }, { cause: error }) : error
}
