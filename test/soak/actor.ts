/** One peer of a soak: a whole kernel on its own directory, joined to others by unix sockets that carry `ledger.replicate()`. */
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import FastForward from 'autobase/lib/fast-forward.js'
import { LogFile } from '../../cli/log-file.ts'
import { openLog } from '../../kernel/host/log.ts'
import { type Application, applicationOf, doorTopic, type Kernel, startKernel } from '../../kernel/index.ts'
import type { Ledger } from '../../kernel/ledger/ledger.ts'
import events from '../../plugins/events/index.ts'
import readModel from '../../plugins/read-model/index.ts'
import store from '../../plugins/store/index.ts'
import { openDoorPlugin } from '../support/kernels.ts'
import type { Item } from './items.ts'
import { noSurfaces, soakPlugin } from './plugin.ts'
import { type Report, reportOf } from './report.ts'
import { Watch } from './watch.ts'

// Autobase's own measure instead of ours: few runs would ever come to a fast-forward.
FastForward.MINIMUM = 16

export interface ActorOptions {
  dir: string
  /** Path of the unix socket that others connect to. */
  socket: string
  logFile: string
}

/** Where a peer's view stands. */
export interface Where {
  length: number
  confirmed: number
  /** Chain at the head, hex. */
  head: string
  /** How far the hooks have told the log, and called it confirmed. */
  told: number
  toldConfirmed: number
  writable: boolean
  /** Key of the system core, hex: another one after every change of indexers. */
  system: string
}

/** What a peer believes about its own entries, and about what can no longer move. */
export interface Look {
  confirmed: [id: string, position: number, verdict: string][]
  floor: { length: number; chain: string } | null
}

export interface Acked {
  id: string
  position: number
  verdict: string
  confirmed: boolean
}

export interface Keys {
  key: string
  encryptionKey: string
}

export class Actor {
  private readonly options: ActorOptions
  private readonly moved: (where: Where) => void
  private readonly watch = new Watch(() => this.tell())
  private readonly links = new Map<string, Socket>()
  private readonly sockets = new Set<Socket>()
  private readonly written: string[] = []
  private kernel!: Kernel
  private server!: Server
  private telling = false
  private again = false

  constructor(options: ActorOptions, moved: (where: Where) => void) {
    this.options = options
    this.moved = moved
  }

  async start(): Promise<void> {
    const { dir, socket, logFile } = this.options
    const log = openLog({ level: 'warn', streams: [new LogFile(logFile)] })
    const plugins = [store, noSurfaces, readModel, events, soakPlugin(this.watch), openDoorPlugin]
    this.kernel = await startKernel({ dataDir: dir, plugins, network: false, base: dir, log })
    if (this.kernel.pacts.find('soak')) this.follow()
    else if ((await readdir(join(dir, 'pacts'))).length > 0) throw new Error(`the pact was not opened; see ${logFile}`)
    this.server = createServer(s => this.carry(s, false))
    // A killed peer leaves its socket behind.
    await rm(socket, { force: true })
    this.server.listen(socket)
    await once(this.server, 'listening')
  }

  /** Cuts all links, then closes the kernel. */
  async stop(): Promise<void> {
    this.server.close()
    await Promise.all([...this.sockets].map(ended))
    await this.kernel.close()
  }

  async found(): Promise<Keys> {
    await this.kernel.pacts.create({ name: 'soak', alias: 'soak' })
    this.follow()
    return { key: this.pact.key.toString('hex'), encryptionKey: this.pact.encryptionKey.toString('hex') }
  }

  async prepare(key: string): Promise<Application> {
    const { writer } = await this.kernel.pacts.prepare('00')
    return applicationOf(this.kernel.identity, doorTopic(Buffer.from(key, 'hex')), writer)
  }

  seat(application: Application): Promise<Acked[]> {
    return this.append([{ type: 'member.add', payload: { ...application, via: { kind: 'test' } } }], 0)
  }

  async join({ key, encryptionKey }: Keys): Promise<void> {
    const keys = { key: Buffer.from(key, 'hex'), encryptionKey: Buffer.from(encryptionKey, 'hex') }
    await this.kernel.pacts.open('00', keys, { alias: 'soak' })
    this.follow()
  }

  /** Makes the writers (hex) the indexer set. */
  setIndexers(writers: string[]): Promise<Acked[]> {
    return this.append([{ type: 'pact.indexers', payload: { writers } }], 0)
  }

  /** Writes a batch. With `wait` (ms) it is answered when the batch is confirmed, or when the time is over. */
  async write(items: Item[], wait: number): Promise<Acked[]> {
    const acked = await this.append(
      items.map(({ type, ...payload }) => ({ type, topic: 'soak', payload })),
      wait,
    )
    this.written.push(...acked.map(a => a.id))
    return acked
  }

  async connect(name: string, socket: string): Promise<void> {
    const s = connect(socket)
    this.links.set(name, s)
    // Whoever is there may stop at this moment: then there is no link, as in life.
    await Promise.race([once(s, 'connect'), once(s, 'close')]).catch(() => {})
    if (s.readyState === 'open') this.carry(s, true)
  }

  async cut(name: string): Promise<void> {
    const s = this.links.get(name)
    this.links.delete(name)
    if (s) await ended(s)
  }

  async look(): Promise<Look> {
    const { pact } = this
    const confirmed: Look['confirmed'] = []
    for (const id of this.written) {
      const receipt = pact.receipt(id)
      if (receipt?.confirmed) confirmed.push([id, receipt.position, receipt.verdict])
    }
    const length = pact.confirmed
    const record = length > 0 ? await pact.record(length - 1) : null
    return { confirmed, floor: record && { length, chain: record.chain.toString('hex') } }
  }

  report(): Promise<Report> {
    return reportOf(this.kernel, this.pact, this.watch, this.written)
  }

  async where(): Promise<Where> {
    const { length, confirmed, base } = this.pact
    const record = length > 0 ? await this.pact.record(length - 1) : null
    return {
      length,
      confirmed,
      head: record?.chain.toString('hex') ?? '',
      told: this.watch.chain.length,
      toldConfirmed: this.watch.confirmed,
      writable: base.writable,
      system: base.core.key?.toString('hex') ?? '',
    }
  }

  writer(): string {
    return this.pact.writer.toString('hex')
  }

  private get pact(): Ledger {
    return this.kernel.pacts.get('soak') as Ledger
  }

  private async append(drafts: Parameters<Ledger['append']>[0], wait: number): Promise<Acked[]> {
    const receipts = await this.pact.append(drafts, wait > 0 ? { until: 'confirmed', timeout: wait } : {})
    return receipts.map(({ id, position, verdict, confirmed }) => ({ id, position, verdict, confirmed }))
  }

  private follow(): void {
    this.pact.base.on('update', () => this.tell())
    this.tell()
  }

  private tell(): void {
    this.again = true
    if (this.telling) return
    this.telling = true
    const loop = async () => {
      while (this.again && !this.pact.closed) {
        this.again = false
        this.moved(await this.where())
      }
    }
    // A pact that closes meanwhile has nothing to tell.
    loop()
      .catch(() => {})
      .finally(() => {
        this.telling = false
      })
  }

  private carry(s: Socket, isInitiator: boolean): void {
    this.sockets.add(s)
    s.on('error', () => {})
    s.on('close', () => this.sockets.delete(s))
    const pact = this.kernel.pacts.find('soak') as Ledger | null
    if (!pact || pact.closed) {
      s.destroy()
      return
    }
    const stream = pact.replicate(isInitiator)
    stream.on('error', () => {})
    stream.on('close', () => s.destroy())
    s.on('close', () => stream.destroy())
    s.pipe(stream).pipe(s)
  }
}

async function ended(s: Socket): Promise<void> {
  if (s.closed) return
  const closed = once(s, 'close').catch(() => {})
  s.destroy()
  await closed
}
