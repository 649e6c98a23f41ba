/**
 * The smallest thing that replication can carry: an encrypted Autobase whose entries are notes, admissions and removals.
 * It judges no authority; its chains are signatures of device keys. For tests of kernel/replication alone.
 */
import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import Autobase from 'autobase'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { closeQuiesced } from '../../kernel/ledger/mends.ts'
import type { Replicated, Standing } from '../../kernel/replication/replicated.ts'

interface KeyPair {
  publicKey: Buffer
  secretKey: Buffer
}
interface Link {
  noise: string
  by: string
  signature: string
}
type Op =
  | { op: 'note'; text: string }
  | { op: 'admit'; noise: string; writer: string; link: Link }
  | { op: 'remove'; noise: string; writer: string }

const vouched = (noise: Buffer) => crypto.hash([Buffer.from('vouched'), noise])

export class SmallPact implements Replicated {
  readonly encryptionKey: Buffer
  readonly store: Corestore
  readonly dir: string
  /** Reason that the `peer.admit` hook would give. */
  refusal: string | undefined
  /** Noise keys (hex) that the gate was asked about, in order; emits `asked` each time. */
  readonly events = new EventEmitter()
  /** Answers instead of the ledger: how an attacker's machine behaves. */
  override: Standing | null = null
  #base!: Autobase<Hypercore>
  /** Who said that this machine was removed, hex. */
  readonly dismissals: string[] = []
  readonly #me: KeyPair
  #applied = new Map<string, Standing>()
  #confirmed = new Map<string, Standing>()
  #links = new Map<string, Link>()
  #texts: string[] = []

  private constructor(dir: string, me: KeyPair, encryptionKey: Buffer) {
    this.dir = dir
    this.#me = me
    this.encryptionKey = encryptionKey
    this.store = new Corestore(dir)
  }

  /** @param keys absent to found a pact; then `me` is its first member */
  static async open(me: KeyPair, keys?: { key: Buffer; encryptionKey: Buffer }): Promise<SmallPact> {
    const dir = await mkdtemp(join(tmpdir(), 'openpact-small-'))
    const pact = new SmallPact(dir, me, keys?.encryptionKey ?? crypto.randomBytes(32))
    pact.#base = new Autobase<Hypercore>(pact.store, keys?.key ?? null, {
      valueEncoding: 'binary',
      encryptionKey: pact.encryptionKey,
      ackInterval: 20,
      open: store => store.get('log'),
      apply: async (nodes, view, host) => {
        for (const { value } of nodes) {
          const entry = JSON.parse(value.toString()) as Op
          // The founder is the only indexer: it stays one.
          const founds = entry.op === 'admit' && entry.writer === host.key.toString('hex')
          if (entry.op === 'admit' && !founds)
            await host.addWriter(Buffer.from(entry.writer, 'hex'), { indexer: false })
          if (entry.op === 'remove') await host.removeWriter(Buffer.from(entry.writer, 'hex'))
          await view.append(value)
        }
      },
    })
    await pact.#base.ready()
    pact.#base.on('update', () => pact.#read())
    if (!keys) await pact.admit(me.publicKey, pact.#base.local.key)
    await pact.#read()
    return pact
  }

  get key(): Buffer {
    return this.#base.key
  }
  get id(): string {
    return crypto.discoveryKey(this.key).toString('hex')
  }
  get writer(): Buffer {
    return this.#base.local.key
  }
  /** Keys of every core of this pact: enough to ask for them, were they served. */
  get coreKeys(): Buffer[] {
    return [this.key, this.writer, this.#base.view.key, (this.#base.system as { core: { key: Buffer } }).core.key]
  }
  get texts(): string[] {
    return this.#texts
  }

  async note(text: string): Promise<void> {
    await this.#append({ op: 'note', text })
  }
  async admit(noise: Buffer, writer: Buffer): Promise<void> {
    await this.#append({
      op: 'admit',
      noise: noise.toString('hex'),
      writer: writer.toString('hex'),
      link: this.link(noise),
    })
  }
  async remove(noise: Buffer, writer: Buffer): Promise<void> {
    await this.#append({ op: 'remove', noise: noise.toString('hex'), writer: writer.toString('hex') })
  }
  /** This device's word that `noise` was admitted. */
  link(noise: Buffer): Link {
    const signature = crypto.sign(vouched(noise), this.#me.secretKey).toString('hex')
    return { noise: noise.toString('hex'), by: this.#me.publicKey.toString('hex'), signature }
  }

  /** Resolves as soon as `holds` does, asked at every change. */
  until(holds: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const ask = () => {
        if (!holds()) return
        this.events.off('change', ask)
        resolve()
      }
      this.events.on('change', ask)
      ask()
    })
  }
  reads(text: string): Promise<void> {
    return this.until(() => this.#texts.includes(text))
  }

  replicate(isInitiator: boolean): Duplex {
    return this.#base.replicate(isInitiator, { keepAlive: false })
  }
  async standing(noise: Buffer): Promise<Standing> {
    this.events.emit('asked', noise.toString('hex'))
    if (this.override !== null) return this.override
    const key = noise.toString('hex')
    if (this.#applied.size === 0) return 'empty'
    if (this.#applied.get(key) === 'removed') return 'removed'
    return this.#applied.get(key) === 'member' && this.#confirmed.get(key) === 'member' ? 'member' : 'unknown'
  }
  identityOf(noise: Buffer): string | null {
    const key = noise.toString('hex')
    return this.#applied.get(key) === 'member' ? key : null
  }
  async admissionChain(): Promise<Buffer> {
    const chain: Link[] = []
    for (let key = this.#me.publicKey.toString('hex'); ; ) {
      const link = this.#links.get(key)
      if (!link) break
      chain.push(link)
      if (link.by === key) break
      key = link.by
    }
    return chain.length === 0 ? Buffer.alloc(0) : Buffer.from(JSON.stringify(chain))
  }
  async vouches(chain: Buffer, noise: Buffer): Promise<boolean> {
    this.events.emit('vouching', chain)
    try {
      let key = noise.toString('hex')
      for (const { noise: to, by, signature } of JSON.parse(chain.toString()) as Link[]) {
        const signed = crypto.verify(
          vouched(Buffer.from(to, 'hex')),
          Buffer.from(signature, 'hex'),
          Buffer.from(by, 'hex'),
        )
        if (to !== key || !signed) return false
        if (this.#applied.get(by) === 'member') return true
        key = by
      }
    } catch {
      // Not a chain.
    }
    return false
  }
  dismissed(by: Buffer): void {
    this.dismissals.push(by.toString('hex'))
  }

  async refuses(): Promise<string | undefined> {
    return this.refusal
  }
  onChange(fn: () => void): () => void {
    this.events.on('change', fn)
    return () => this.events.off('change', fn)
  }
  changed(): void {
    this.events.emit('change')
  }

  async close(): Promise<void> {
    this.events.removeAllListeners()
    await closeQuiesced(this.#base)
    await this.store.close()
    await rm(this.dir, { recursive: true, force: true })
  }

  async #append(entry: Op): Promise<void> {
    await this.#base.append(Buffer.from(JSON.stringify(entry)))
  }

  /** The view may be exchanged or closed while it is read; the next update reads it again. */
  async #read(): Promise<void> {
    try {
      await this.#readView()
    } catch (error) {
      if ((error as { code?: string }).code !== 'SESSION_CLOSED') throw error
    }
  }

  async #readView(): Promise<void> {
    const { view } = this.#base
    const texts: string[] = []
    const applied = new Map<string, Standing>()
    let confirmed = new Map<string, Standing>()
    for (let i = 0; i < view.length; i++) {
      if (i === view.signedLength) confirmed = new Map(applied)
      const block = await view.get(i, { wait: false })
      if (block === null) return
      const entry = JSON.parse(block.toString()) as Op
      if (entry.op === 'note') texts.push(entry.text)
      else applied.set(entry.noise, entry.op === 'admit' ? 'member' : 'removed')
      if (entry.op === 'admit') this.#links.set(entry.noise, entry.link)
    }
    if (view.signedLength >= view.length) confirmed = new Map(applied)
    this.#texts = texts
    this.#applied = applied
    this.#confirmed = confirmed
    this.events.emit('change')
  }
}
