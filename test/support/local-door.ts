/** A kernel with the local door open on a free port, and a client that sends exactly what a test says. */
import { readFileSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import type { PluginEntry } from '../../kernel/index.ts'
import access from '../../plugins/access/index.ts'
import http from '../../plugins/http/index.ts'
import { http as httpService } from '../../plugins/http/route.ts'
import operations from '../../plugins/operations/index.ts'
import readModel from '../../plugins/read-model/index.ts'
import store from '../../plugins/store/index.ts'
import { type KernelGroup, kernels, type TestKernel } from './kernels.ts'

export interface Sent {
  method?: string
  /** Sent as it is. */
  path: string
  headers?: OutgoingHttpHeaders
  /** A string or bytes are sent as they are, anything else as JSON. */
  body?: unknown
  /** The main token of the daemon by default; null for none. */
  token?: string | null
  /** Source address. */
  from?: string
  signal?: AbortSignal
}

export interface Received {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** Empty when the answer is not a JSON object. */
  json: Record<string, unknown>
}

export interface Local {
  kernel: TestKernel
  readonly url: string
  readonly port: number
  readonly token: string
  send(sent: Sent): Promise<Received>
  restart(): Promise<void>
  dispose(): Promise<void>
}

/** Everything between an entry in the ledger and an answer over HTTP. */
export function surface(httpConfig: object = {}): PluginEntry[] {
  return [
    store,
    readModel,
    { plugin: operations, config: { check_output: true } },
    access,
    { plugin: http, config: { port: 0, ...httpConfig } },
  ]
}

export async function openLocal(plugins: PluginEntry[], httpConfig: object = {}): Promise<Local> {
  const group: KernelGroup = await kernels(1, [...surface(httpConfig), ...plugins])
  const kernel = group.kernels[0]!
  const agent = new Agent({ keepAlive: true })
  const token = () => readFileSync(join(kernel.dataDir, 'token'), 'utf8').trim()
  const url = () => kernel.use(httpService).url
  return {
    kernel,
    get url() {
      return url()
    },
    get port() {
      return Number(new URL(url()).port)
    },
    get token() {
      return token()
    },
    send: sent => send(url(), agent, { token: token(), ...sent }),
    restart: () => kernel.restart(),
    dispose: async () => {
      agent.destroy()
      await group.dispose()
    },
  }
}

function send(url: string, agent: Agent, sent: Sent): Promise<Received> {
  const { hostname, port } = new URL(url)
  const { method = 'GET', path, token, from, signal } = sent
  const body = bytesOf(sent.body)
  const headers: OutgoingHttpHeaders = {
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(body ? { 'content-type': 'application/json', 'content-length': body.length } : {}),
    ...sent.headers,
  }
  return new Promise((resolve, reject) => {
    const connection = from ? { agent: false as const, localAddress: from } : { agent }
    const call = request({ hostname, port, method, path, headers, signal, ...connection }, response => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(parts).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) })
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined
  return Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
