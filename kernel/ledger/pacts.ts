/** The pacts of this machine: one folder and one Corestore each under `pacts/`. Nothing is shared between two of them. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import Autobase from 'autobase'
import crypto from 'hypercore-crypto'
import { isDiskFull } from '../disk.ts'
import { isOpenPactError, OpenPactError } from '../errors.ts'
import type { CreatePactOptions, PactKeys, Pacts } from '../kernel.ts'
import type { Charter } from '../pact.ts'
import { replaceFile } from '../replace-file.ts'
import type { Replicated } from '../replication/replicated.ts'
import { doorTopic, pactId } from '../replication/topics.ts'
import { asCharter } from './charter.ts'
import { ACCEPTED } from './entry.ts'
import { limits } from './envelope.ts'
import { CHARTER } from './kernel-types.ts'
import { Ledger, type LedgerHost, type PactLinks } from './ledger.ts'
import { applicationOf } from './seats.ts'
import { openStore } from './store.ts'

/** What replication offers to the ledger. */
export interface Links {
  add(pact: Replicated): PactLinks & { remove(): Promise<void> }
}

export interface PactStoreHost extends LedgerHost {
  opened(pact: Ledger): Promise<void>
  closing(pact: Ledger): Promise<void>
  /** Near names for a wrong alias, as a sentence or ''. */
  near(name: string, known: string[]): string
}

interface Card {
  format: 1
  key: string
  encryptionKey: string
  alias: string
  created: number
}

interface Open {
  ledger: Ledger
  link: ReturnType<Links['add']>
}

const [NS_CHECK] = crypto.namespace('openpact/key-check', 1) as [Buffer]
/** ms before a ledger that stopped is opened again, doubling. */
const FIRST_REOPEN = 2_000
const LAST_REOPEN = 60_000
const aliasPattern = /^[a-z0-9][a-z0-9-]{0,63}$/
const ticketPattern = /^[0-9a-f]{1,64}$/

export class PactStore implements Pacts {
  private readonly dir: string
  private readonly host: PactStoreHost
  private readonly links: Links
  private readonly pacts = new Map<string, Open>()
  private readonly reopening = new Set<NodeJS.Timeout>()
  /** Pacts that could not be opened, with the reason: the others go on. */
  readonly failed = new Map<string, OpenPactError>()

  /** Aliases of pacts that were open and are being opened again, by id. */
  private readonly away = new Map<string, string>()

  constructor(dir: string, host: PactStoreHost, links: Links) {
    this.dir = dir
    this.host = host
    this.links = links
  }

  /** Opens every pact of the folder. One that fails is reported and left out. */
  async openAll(): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 })
    for (const name of (await readdir(this.dir)).sort()) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue
      try {
        const card = await this.readCard(name)
        if (card) await this.openLedger(name, card)
      } catch (error) {
        // As soon as there is room again it opens; what else is wrong with it, people must see to.
        if ((await this.report(name, error)).code === 'DISK_FULL') this.reopenLater(name, FIRST_REOPEN)
      }
    }
  }

  /** Remembers why a pact is not open, for whoever asks for it. */
  private async report(id: string, error: unknown): Promise<OpenPactError> {
    const reason = error instanceof Error ? error.message : String(error)
    const full = !isOpenPactError(error) && (await isDiskFull(this.dir, error))
    const code = full ? 'DISK_FULL' : /moved unsafely|Invalid device file/.test(reason) ? 'PACT_MOVED' : 'PACT_CORRUPT'
    const coded = isOpenPactError(error) ? error : new OpenPactError(code, { pact: id, reason }, { cause: error })
    this.failed.set(id, coded)
    this.host.log.error('pact cannot be opened', { pact: id, code: coded.code, reason: coded.message })
    return coded
  }

  /** A ledger that stopped by itself (a full disk) is closed and opened again, until it goes on. */
  private reopenLater(id: string, delay: number): void {
    const reopen = async () => {
      this.reopening.delete(timer)
      try {
        const ledger = await this.reopen(id)
        if (!ledger) return
        this.failed.delete(id)
        this.host.log.info('pact is open again', { pact: ledger.alias })
      } catch (error) {
        await this.report(id, error)
        this.reopenLater(id, Math.min(delay * 2, LAST_REOPEN))
      }
    }
    const timer = setTimeout(() => void reopen(), delay).unref()
    this.reopening.add(timer)
  }

  /** Null when the pact is not on this machine any more. */
  private async reopen(id: string): Promise<Ledger | null> {
    const open = this.pacts.get(id)
    if (open) {
      this.away.set(id, open.ledger.alias)
      await this.stop(open.ledger)
    }
    const card = await this.readCard(id)
    if (!card) this.away.delete(id)
    return card && this.openLedger(id, card)
  }

  list(): Ledger[] {
    return [...this.pacts.values()].map(p => p.ledger)
  }

  find(aliasOrId: string): Ledger | null {
    const byId = this.pacts.get(aliasOrId)
    return byId?.ledger ?? this.list().find(p => p.alias === aliasOrId) ?? null
  }

  get(aliasOrId: string): Ledger {
    const pact = this.find(aliasOrId)
    if (pact) return pact
    const failed = this.failed.get(aliasOrId)
    if (failed) throw failed
    for (const [id, alias] of this.away)
      if (aliasOrId === id || aliasOrId === alias)
        throw this.failed.get(id) ?? new OpenPactError('PACT_REOPENING', { pact: alias })
    const known = this.list().map(p => p.alias)
    throw new OpenPactError('PACT_UNKNOWN', { pact: aliasOrId, near: this.host.near(aliasOrId, known) })
  }

  async create(options: CreatePactOptions): Promise<Ledger> {
    const charter = this.charterFor(options)
    const alias = this.freeAlias(options.alias ?? slug(options.name))
    const ticket = crypto.randomBytes(8).toString('hex')
    const { writer } = await this.prepare(ticket).catch(async error => {
      await this.discard(ticket)
      throw error
    })
    const encryptionKey = crypto.randomBytes(32)
    const id = pactId(writer)
    await rename(this.ticketDir(ticket), join(this.dir, id))
    const card = cardOf({ key: writer, encryptionKey }, alias)
    const ledger = await this.load(id, card, null)
    try {
      if (!ledger.key.equals(writer)) throw new Error('Autobase chose another key than the writer of a new pact')
      const application = applicationOf(this.host.identity, doorTopic(ledger.key), ledger.writer)
      const { key, chain, length } = options.refounds ?? {}
      const refounds =
        key && chain ? { refounds: { key: key.toString('hex'), chain: chain.toString('hex'), length } } : {}
      const [receipt] = await ledger.append([{ type: CHARTER, payload: { charter, ...application, ...refounds } }])
      if (receipt?.verdict !== ACCEPTED) throw new OpenPactError('ENTRY_REFUSED', { verdict: receipt?.verdict })
      this.writeCard(join(this.dir, id), card)
    } catch (error) {
      await ledger.close()
      await rm(join(this.dir, id), { recursive: true, force: true })
      throw error
    }
    await this.start(ledger)
    return ledger
  }

  async prepare(ticket: string): Promise<{ writer: Buffer }> {
    if (!ticketPattern.test(ticket))
      throw new OpenPactError('INVALID_INPUT', { reason: 'ticket: up to 64 hex characters' })
    const dir = this.ticketDir(ticket)
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const store = openStore(join(dir, 'store'))
    try {
      await store.ready()
      const core = Autobase.getLocalCore(store)
      await core.ready()
      const writer = core.key
      await core.close()
      return { writer }
    } finally {
      await store.close()
    }
  }

  async open(ticket: string, keys: PactKeys, options: { alias: string }): Promise<Ledger> {
    const id = pactId(keys.key)
    const alias = this.freeAlias(options.alias)
    if (this.pacts.has(id)) throw new OpenPactError('PACT_EXISTS', { alias: this.pacts.get(id)?.ledger.alias })
    const card = cardOf(keys, alias)
    this.writeCard(this.ticketDir(ticket), card)
    await rename(this.ticketDir(ticket), join(this.dir, id))
    return this.openLedger(id, card)
  }

  async discard(ticket: string): Promise<void> {
    if (ticketPattern.test(ticket)) await rm(this.ticketDir(ticket), { recursive: true, force: true })
  }

  async rename(id: string, alias: string): Promise<void> {
    const ledger = this.get(id)
    if (ledger.alias === alias) return
    const free = this.freeAlias(alias)
    const card = await this.readCard(ledger.id)
    if (!card) throw new OpenPactError('PACT_CORRUPT', { pact: ledger.id, reason: 'pact.json is missing' })
    this.writeCard(join(this.dir, ledger.id), { ...card, alias: free })
    ledger.alias = free
  }

  async remove(id: string): Promise<void> {
    const ledger = this.get(id)
    await this.stop(ledger)
    await rm(join(this.dir, ledger.id), { recursive: true, force: true })
  }

  /** Closes all, quiesced. */
  async close(): Promise<void> {
    for (const timer of this.reopening) clearTimeout(timer)
    for (const ledger of this.list()) await this.stop(ledger)
  }

  private async openLedger(id: string, card: Card): Promise<Ledger> {
    const ledger = await this.load(id, card, Buffer.from(card.key, 'hex'))
    await this.start(ledger)
    return ledger
  }

  /** Opens the ledger of a folder; not yet known to anyone. */
  private async load(id: string, card: Card, key: Buffer | null): Promise<Ledger> {
    const dir = join(this.dir, id)
    const store = openStore(join(dir, 'store'))
    try {
      await store.ready()
      const ledger = new Ledger(this.host, {
        store,
        key,
        encryptionKey: Buffer.from(card.encryptionKey, 'hex'),
        alias: card.alias,
        folder: dir,
        onfailure: (delay = FIRST_REOPEN) => this.reopenLater(id, delay),
        onrecovered: () => this.reopen(id),
      })
      await ledger.open()
      return ledger
    } catch (error) {
      await store.close().catch(() => {})
      throw error
    }
  }

  private async start(ledger: Ledger): Promise<void> {
    const link = this.links.add(ledger)
    ledger.links = link
    this.pacts.set(ledger.id, { ledger, link })
    this.away.delete(ledger.id)
    await this.host.opened(ledger)
  }

  private async stop(ledger: Ledger): Promise<void> {
    const open = this.pacts.get(ledger.id)
    if (!open) return
    await this.host.closing(ledger)
    await open.link.remove()
    this.pacts.delete(ledger.id)
    await ledger.close()
  }

  private charterFor(options: CreatePactOptions): Charter {
    const installed = this.host.rules.list()
    const wanted = options.rules ? installed.filter(r => options.rules?.includes(r.plugin)) : installed
    const charter = asCharter({
      name: options.name,
      purpose: options.purpose ?? '',
      template: options.template ?? '',
      visibility: 'private',
      invites: options.invites ?? 'member',
      types: options.types ?? null,
      quotas: { payload_bytes: limits.payload },
      rules: wanted.map(r => ({ plugin: r.plugin, protocol: r.rules.protocol, settings: r.rules.defaults ?? {} })),
    })
    if (!charter)
      throw new OpenPactError('INVALID_INPUT', {
        reason: 'name (1–128 characters), purpose (up to 2048) or types do not fit a charter',
      })
    return charter
  }

  private freeAlias(alias: string): string {
    if (!aliasPattern.test(alias))
      throw new OpenPactError('INVALID_INPUT', {
        reason: `alias: "${alias}" must be lower-case letters, digits and dashes, up to 64`,
      })
    if (this.find(alias) || [...this.away.values()].includes(alias)) throw new OpenPactError('PACT_EXISTS', { alias })
    return alias
  }

  private ticketDir(ticket: string): string {
    return join(this.dir, `joining-${ticket}`)
  }

  /** The card of a pact, or null for a folder whose founding was cut short. @throws OpenPactError PACT_CORRUPT, PACT_KEY_WRONG */
  private async readCard(id: string): Promise<Card | null> {
    const dir = join(this.dir, id)
    let text: string
    try {
      text = await readFile(join(dir, 'pact.json'), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      if (!existsSync(join(dir, 'key-check'))) return null
      throw new OpenPactError('PACT_CORRUPT', { pact: id, reason: 'its file pact.json is lost' })
    }
    let card: Card
    try {
      card = JSON.parse(text) as Card
    } catch {
      throw new OpenPactError('PACT_CORRUPT', { pact: id, reason: 'pact.json is not JSON' })
    }
    const hex = /^[0-9a-f]{64}$/
    if (!hex.test(card.key) || !hex.test(card.encryptionKey) || !aliasPattern.test(card.alias))
      throw new OpenPactError('PACT_CORRUPT', { pact: id, reason: 'pact.json does not hold the keys of a pact' })
    // A wrong encryption key would open as an empty pact, without any error.
    const check = await readFile(join(dir, 'key-check'), 'utf8').catch(() => null)
    if (check !== null && check !== keyCheck(card)) throw new OpenPactError('PACT_KEY_WRONG', { pact: id })
    return card
  }

  private writeCard(dir: string, card: Card): void {
    replaceFile(join(dir, 'key-check'), keyCheck(card))
    replaceFile(join(dir, 'pact.json'), `${JSON.stringify(card, null, 2)}\n`)
  }
}

function cardOf(keys: PactKeys, alias: string): Card {
  const [key, encryptionKey] = [keys.key.toString('hex'), keys.encryptionKey.toString('hex')]
  return { format: 1, key, encryptionKey, alias, created: Date.now() }
}

function keyCheck(card: Card): string {
  return crypto.hash([NS_CHECK, Buffer.from(card.key, 'hex'), Buffer.from(card.encryptionKey, 'hex')]).toString('hex')
}

function slug(name: string): string {
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return words.slice(0, 64) || 'pact'
}
