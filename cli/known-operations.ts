/** The daemon's operations, and their copy in the data directory: help works while the daemon is down. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Operation } from '../plugins/operations/operation.ts'
import { Client } from './client.ts'
import { type DaemonRecord, readToken, runningDaemon } from './place.ts'
import type { Schema } from './schema.ts'
import type { Session } from './session.ts'

/** One operation as `GET /v1/operations` lists it; fields that are not used here are left out. */
export interface OperationInfo {
  name: string
  summary: string
  description?: string
  method: string
  /** From the root, with `:parameters`. */
  path: string
  params: string[]
  /** The other fields of the input go into the query string, otherwise into a JSON body. */
  query: boolean
  scope: 'pact' | 'daemon'
  input: Schema
  cli?: {
    path: string
    description?: string
    args?: string[]
    file?: string
    columns?: string[]
    list?: string
    text?: string
    after?: string
    notes?: Record<string, string>
  }
}

interface Cache {
  /** Of the daemon that answered: a later one may have other plugins. */
  pid: number
  started: number
  entries: OperationInfo[]
}

/** The operations of the running daemon, or those it had when it last ran, or the built-in ones when it never did. */
export async function knownOperations(session: Session): Promise<OperationInfo[]> {
  const cached = readCache(session.place.operationsFile)
  try {
    const daemon = runningDaemon(session.place)
    if (!daemon) return cached?.entries ?? builtInOperations()
    if (cached && cached.pid === daemon.pid && cached.started === daemon.started) return cached.entries
    // Without a word when it is silent: that is told by the command itself, which asks next.
    const client = new Client({ url: daemon.url, token: readToken(session.place), log: session.place.logFile })
    const ask = () => client.get<{ entries: OperationInfo[] }>('/v1/operations', { timeout: 5000 })
    const { body } = await session.progress('Asking the daemon for its commands', ask)
    writeCache(session.place.operationsFile, daemon, body.entries)
    return body.entries
  } catch {
    // Help must work whatever the daemon does; the command itself will say what is wrong.
    return cached?.entries ?? builtInOperations()
  }
}

/** Before any daemon has run here: what the plugins that come with OpenPact declare. */
export async function builtInOperations(): Promise<OperationInfo[]> {
  const [{ operationInfo }, { operationPoint }] = await Promise.all([
    import('../plugins/operations/operation-list.ts'),
    import('../plugins/operations/operation.ts'),
  ])
  const declared = await builtIn<Operation>(operationPoint.id)
  return declared.map(({ plugin, value }) => operationInfo(value, plugin) as OperationInfo)
}

/** What the plugins that come with OpenPact contribute to an extension point. */
export async function builtIn<T>(point: string): Promise<{ plugin: string; value: T }[]> {
  const { default: config } = await import('../openpact.config.ts')
  return (config.plugins ?? []).flatMap(entry => {
    if (typeof entry !== 'object' || 'plugin' in entry) return []
    const declared = (entry.contributes ?? []).filter(each => each.point === point)
    return declared.map(({ value }) => ({ plugin: entry.name, value: value as T }))
  })
}

function readCache(file: string): Cache | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

function writeCache(file: string, { pid, started }: DaemonRecord, entries: OperationInfo[]): void {
  const fresh = `${file}.${process.pid}`
  const cache: Cache = { pid, started, entries }
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(fresh, JSON.stringify(cache), { mode: 0o600 })
    renameSync(fresh, file)
  } catch {
    // A cache that cannot be kept costs one request next time.
  }
}
