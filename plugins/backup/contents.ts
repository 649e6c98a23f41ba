/** What an archive holds: the identity's words and agents, configuration, token, plugins' files, local.db, and of every pact keys, log and contents. */
import { createReadStream } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import {
  type CarriedAgent,
  follow,
  joinBlocks,
  type Kernel,
  OpenPactError,
  type Pact,
  takeBlock,
} from '../../kernel/index.ts'
import type { Store } from '../store/service.ts'
import { ArchivedLogs } from './archived.ts'
import { contentFrames, keptFrames, type Named, note, type Tally } from './attached.ts'
import './errors.ts'
import { fileFrames, frames } from './frames.ts'
import type { LeftOut, PluginFiles } from './plugin-files.ts'

/** `manifest.json`, the first file. */
export interface Manifest {
  format: 1
  /** ISO 8601 */
  created: string
  version: string
  /** Hex keys. */
  identity: string
  device: string
  pacts: string[]
  /** Those that came out of another archive and that no member has let the machine into: their logs are in `local.db`. */
  waiting?: Waiting[]
  /** Ids of pacts that could not be opened, so that nothing of them is in it. */
  left_out?: string[]
  plugins_left_out?: LeftOut[]
}

export interface Waiting {
  id: string
  alias: string
  entries: number
}

/** What there is beside the pacts that are open: for the manifest, and for whoever asked for the archive. */
export function besides(kernel: Kernel, store: Store): { waiting: Waiting[]; left_out: string[] } {
  const waiting = new ArchivedLogs(store)
    .waiting(kernel)
    .map(({ id, alias, length }) => ({ id, alias, entries: length }))
  return { waiting, left_out: [...kernel.pacts.failed.keys()] }
}

/** `identity.json`: all but the device, of which there must never be two. */
export interface IdentityFile {
  mnemonic: string
  default_agent: string
  /** Name → seed, hex. */
  agents: Record<string, string>
}

/** `pacts/<id>/card.json`. Keys in hex. */
export interface PactCard {
  id: string
  key: string
  encryptionKey: string
  alias: string
}

/** `pacts/<id>/end.json`, behind the log. */
export interface LogEnd {
  length: number
  /** Chain at its end, hex. */
  chain: string
  /** The device's statement that its log of this pact was this, hex. */
  signature: string
}

const [NS_EXPORT] = crypto.namespace('openpact/log-export', 1) as [Buffer]
const TRIES = 5
const SLICE = 256 * 1024

/** What the device states of a log, 32 bytes. */
export function exportStatement(key: Buffer, length: number, chain: Buffer): Buffer {
  return crypto.hash([NS_EXPORT, key, chain, Buffer.from(String(length))])
}

/** All frames of an archive. @param tally counts up the contents beside entries */
export async function* contents(
  kernel: Kernel,
  store: Store,
  plugins: PluginFiles,
  tally: Tally,
): AsyncGenerator<Buffer> {
  const { identity, dataDir } = kernel
  const pacts = kernel.pacts.list()
  const manifest: Manifest = {
    format: 1,
    created: new Date().toISOString(),
    version: kernel.version,
    identity: identity.key.toString('hex'),
    device: identity.device.toString('hex'),
    pacts: pacts.map(pact => pact.id),
    ...besides(kernel, store),
    plugins_left_out: plugins.left_out,
  }
  yield* fileFrames('manifest.json', JSON.stringify(manifest))
  yield* fileFrames('identity.json', JSON.stringify(await identityFile(join(dataDir, 'identity'))))
  for (const name of await readdir(dataDir)) {
    if (/^openpact\.config\.[a-z]{2,5}$/.test(name))
      yield* fileFrames(`config/${name}`, await readFile(join(dataDir, name)))
    if (name === 'token') yield* fileFrames('token', await readFile(join(dataDir, name)))
  }
  for (const { path, bytes } of plugins.files) yield* fileFrames(`plugins/${path}`, bytes)
  yield* databaseFrames(store, join(dataDir, 'run', `local.db.${process.pid}`))
  for (const pact of pacts) {
    const named: Named = new Map()
    yield* pactFrames(pact, kernel, named)
    yield* contentFrames(kernel, pact, named, tally)
  }
  for (const { id } of new ArchivedLogs(store).list()) if (!kernel.pacts.find(id)) yield* keptFrames(dataDir, id, tally)
  yield frames.done()
}

async function identityFile(folder: string): Promise<IdentityFile> {
  const read = async (file: string) => JSON.parse(await readFile(join(folder, file), 'utf8')) as Record<string, string>
  const { mnemonic, default_agent } = await read('identity.json')
  const agents: Record<string, string> = {}
  for (const file of await readdir(join(folder, 'agents'))) {
    if (!file.endsWith('.json')) continue
    const { name, seed } = await read(join('agents', file))
    if (name && seed) agents[name] = seed
  }
  return { mnemonic: mnemonic as string, default_agent: default_agent as string, agents }
}

/** A snapshot of the database: it goes on being written meanwhile. */
async function* databaseFrames(store: Store, copy: string): AsyncGenerator<Buffer> {
  await rm(copy, { force: true })
  try {
    store.db.prepare('VACUUM INTO ?').run(copy)
    yield frames.begin('local.db')
    for await (const part of createReadStream(copy)) yield frames.data(part as Buffer)
    yield frames.end()
  } finally {
    await rm(copy, { force: true })
  }
}

/** @param named filled with the contents that its entries name */
async function* pactFrames(pact: Pact, kernel: Kernel, named: Named): AsyncGenerator<Buffer> {
  const { id, key, encryptionKey, alias } = pact
  const card: PactCard = { id, key: key.toString('hex'), encryptionKey: encryptionKey.toString('hex'), alias }
  yield* fileFrames(`pacts/${id}/card.json`, JSON.stringify(card))
  // What is not confirmed may be put in another order while it is read: then the file is begun again.
  for (let tries = 1; ; tries++) {
    const log = follow(key)
    named.clear()
    const agents = new Map<string, CarriedAgent>()
    const known = {
      get: (agent: string) => agents.get(agent) ?? null,
      put: (agent: string, row: CarriedAgent) => void agents.set(agent, row),
    }
    const { length } = pact
    yield frames.begin(`pacts/${id}/log`)
    let slice: Buffer[] = []
    let size = 0
    let fault: string | null = null
    while (log.done < length && fault === null) {
      const block = await pact.block(log.done)
      if (!block && tries === TRIES)
        throw new OpenPactError('BACKUP_PARTIAL', { pact: alias, have: log.done, of: length })
      const taken = block ? await takeBlock(log, known, block) : 'missing'
      if (!block || typeof taken === 'string') {
        fault = String(taken)
        break
      }
      note(named, taken)
      slice.push(block)
      size += block.length
      if (size < SLICE && log.done < length) continue
      yield frames.data(joinBlocks(slice))
      slice = []
      size = 0
    }
    if (fault === null) {
      yield frames.end()
      const chain = Buffer.from(log.at, 'hex')
      const signature = kernel.identity.attest(exportStatement(key, length, chain)).toString('hex')
      const end: LogEnd = { length, chain: log.at, signature }
      yield* fileFrames(`pacts/${id}/end.json`, JSON.stringify(end))
      return
    }
    if (tries === TRIES) throw new OpenPactError('LOG_UNPROVEN', { position: log.done, reason: fault })
  }
}
