/** Real daemons for tests and the demo: processes of `dist/cli/main.js` on a private DHT on 127.0.0.1, each in a directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Failure } from '../../cli/errors.ts'
import type { Report } from '../../cli/launch.ts'
import type { DaemonRecord } from '../../cli/place.ts'

const here = fileURLToPath(new URL('../../', import.meta.url))
/** This file runs from its source under vitest and from dist/ in the demo. */
const main = join(here.replace(/dist[\\/]$/, ''), 'dist', 'cli', 'main.js')

export interface Answer<T = Record<string, unknown>> {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: T
}

export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

/** What a daemon that could not start said. */
export class StartFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(`${failure.code}: ${failure.message}`)
    this.failure = failure
  }
}

/** Runs one `openpact` command to its end. */
export async function openpact(
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<CommandResult> {
  const child = spawn(process.execPath, [requireBuild(), ...args], { env: { ...process.env, ...env } })
  child.stdin.end(input)
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const code = await new Promise<number | null>(resolve => {
    child.once('close', resolve)
  })
  return { code, stdout: stdout(), stderr: stderr() }
}

/** A private DHT: one bootstrap process on 127.0.0.1. */
export interface PrivateNetwork {
  /** `host:port` */
  bootstrap: string
  close(): Promise<void>
}

export async function startNetwork(): Promise<PrivateNetwork> {
  const child = spawn(process.execPath, [requireBuild(), 'dht', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const text = await firstOutput(child)
  return { bootstrap: (JSON.parse(text) as { bootstrap: string }).bootstrap, close: () => end(child, 'SIGTERM') }
}

export interface DaemonSettings {
  network?: PrivateNetwork
  /** Kept when given; else made and removed by `dispose`. */
  dataDir?: string
  port?: number
  args?: readonly string[]
}

/** One daemon on one data directory; it can be killed and started again. */
export class TestDaemon {
  readonly dataDir: string
  readonly #settings: DaemonSettings
  #child: ChildProcess | null = null
  #record: DaemonRecord | null = null
  #token = ''

  private constructor(dataDir: string, settings: DaemonSettings) {
    this.dataDir = dataDir
    this.#settings = settings
  }

  /** A directory without a running daemon yet. */
  static async prepare(settings: DaemonSettings = {}): Promise<TestDaemon> {
    return new TestDaemon(settings.dataDir ?? (await temporaryDirectory()), settings)
  }

  /** @throws StartFailure */
  static async start(settings: DaemonSettings = {}): Promise<TestDaemon> {
    const daemon = await TestDaemon.prepare(settings)
    try {
      await daemon.start()
    } catch (error) {
      await daemon.dispose()
      throw error
    }
    return daemon
  }

  get url(): string {
    if (!this.#record) throw new Error('the daemon does not run')
    return this.#record.url
  }

  get pid(): number {
    if (!this.#record) throw new Error('the daemon does not run')
    return this.#record.pid
  }

  get token(): string {
    return this.#token
  }

  /** Flags by which an `openpact` command finds this daemon's directory and network. */
  flags(): string[] {
    const { network } = this.#settings
    return ['--data-dir', this.dataDir, ...(network ? ['--bootstrap', network.bootstrap, '--bind', '127.0.0.1'] : [])]
  }

  /** @throws StartFailure */
  async start(): Promise<void> {
    const { port = 0, args = [] } = this.#settings
    const flags = ['start', '--foreground', '--temporary', ...this.flags(), '--port', String(port), ...args]
    const child = spawn(process.execPath, [requireBuild(), ...flags], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#child = child
    const stderr = collect(child.stderr)
    this.#record = await new Promise<DaemonRecord>((resolve, reject) => {
      child.on('message', (report: Report) => {
        if (report.state === 'ready') resolve(report.record)
        if (report.state === 'failed') reject(new StartFailure(report.failure))
      })
      child.once('exit', code => reject(new Error(`the daemon ended with ${code}: ${stderr()}`)))
    })
    this.#token = (await readFile(join(this.dataDir, 'token'), 'utf8')).trim()
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  kill9(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Runs an `openpact` command on this directory. */
  command(...args: string[]): Promise<CommandResult> {
    return openpact([...args, ...this.flags()])
  }

  get<T = Record<string, unknown>>(path: string): Promise<Answer<T>> {
    return this.request('GET', path)
  }

  post<T = Record<string, unknown>>(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer<T>> {
    return this.request('POST', path, body, headers)
  }

  put<T = Record<string, unknown>>(
    path: string,
    body: unknown = {},
    headers?: Record<string, string>,
  ): Promise<Answer<T>> {
    return this.request('PUT', path, body, headers)
  }

  request<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
    const data = body === undefined ? undefined : JSON.stringify(body)
    const all = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json', ...headers }
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, this.url), { method, headers: all, agent: false }, response => {
        const text = collect(response)
        response.once('error', reject)
        response.once('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed(text()) as T })
        })
      })
      call.once('error', reject)
      call.end(data)
    })
  }

  /** Ends the daemon and removes its directory if it was made here. */
  async dispose(): Promise<void> {
    await this.#end('SIGKILL')
    if (this.#settings.dataDir === undefined) await rm(this.dataDir, { recursive: true, force: true })
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = null
    this.#record = null
    if (child) await end(child, signal)
  }
}

/** Two daemons with one pact between them, founded by the first, on a network of their own. */
export class Pair {
  /** Path of the pact at both. */
  static readonly pact = '/v1/pacts/pair'
  readonly network: PrivateNetwork
  readonly a: TestDaemon
  readonly b: TestDaemon

  private constructor(network: PrivateNetwork, a: TestDaemon, b: TestDaemon) {
    this.network = network
    this.a = a
    this.b = b
  }

  static async start(): Promise<Pair> {
    const network = await startNetwork()
    const [a, b] = await Promise.all([TestDaemon.start({ network }), TestDaemon.start({ network })])
    const pair = new Pair(network, a, b)
    const founded = await a.post('/v1/pacts', { name: 'Pair', alias: 'pair' })
    const invited = await a.post<{ token: string }>(`${Pair.pact}/invites`, {})
    const joined = await b.post('/v1/pacts/join', { token: invited.body.token, alias: 'pair' })
    if (founded.status === 201 && joined.status === 200) return pair
    await pair.dispose()
    throw new Error(`no pair: ${JSON.stringify([founded.body, joined.body])}`)
  }

  async dispose(): Promise<void> {
    await Promise.all([this.a.dispose(), this.b.dispose()])
    await this.network.close()
  }
}

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'openpact-'))
}

/** Asks until `probe` answers something; for what another machine does in its own time. @throws Error when time is over */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false>,
  limit = 20_000,
): Promise<T> {
  const deadline = Date.now() + limit
  for (;;) {
    const found = await probe()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`not within ${limit} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export function requireBuild(): string {
  if (!existsSync(main)) throw new Error('dist/ is missing: run `npm run build` first')
  return main
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8')
  stream?.on('data', chunk => {
    text += chunk
  })
  return () => text
}

function firstOutput(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', chunk => {
      text += chunk
      if (text.trim().endsWith('}')) resolve(text)
    })
    child.once('exit', code => reject(new Error(`ended with ${code} before it said anything`)))
  })
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(resolve => {
    child.once('exit', resolve)
  })
  child.kill(signal)
  await gone
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
