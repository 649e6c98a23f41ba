/** One run of the command line: its flags, its data directory, its way to the daemon, its output. */
import { OpenPactError } from '../kernel/errors.ts'
import { Client, pathPart } from './client.ts'
import { RemoteFailure } from './errors.ts'
import { pasteable } from './hints.ts'
import { type Launched, type LaunchOptions, launch } from './launch.ts'
import { type DaemonRecord, type Place, placeOf, readToken, runningDaemon } from './place.ts'
import { notice, withProgress } from './progress.ts'
import { type Page, plain, renderAnswer } from './table.ts'
import { watch } from './watch.ts'

/** The flags that every command takes. */
export interface Flags {
  dataDir?: string
  config?: string
  port?: string
  bootstrap?: string
  bind?: string
  pact?: string
  json?: boolean
}

/** Of `GET /v1/status`. */
interface MachineLine {
  active: string | null
  /** Pacts that the daemon could not open. */
  failed: { id: string; error: string; message: string; help: string }[]
  /** Attempts to join that are under way. */
  joining: { alias: string | null; words: string }[]
}

/** A pact as `GET /v1/pacts` lists it. */
export interface PactLine {
  id: string
  alias: string
  name: string
  /** The one that is meant when none is named. */
  active: boolean
}

export class Session {
  readonly flags: Flags
  readonly place: Place
  readonly json: boolean
  /** What was written since the last look, while something is watched. */
  #look: string | null = null

  /** @throws OpenPactError PORT_INVALID: also where the port is not needed, a wrong one is not passed over in silence */
  constructor(flags: Flags) {
    this.flags = flags
    this.place = placeOf(flags.dataDir)
    this.json = flags.json === true
    if (flags.port !== undefined) parsePort(flags.port)
  }

  /** The pact that was named: by --pact, or by OPENPACT_PACT, as a program that an entry started has it. */
  get pact(): string | undefined {
    return this.flags.pact ?? (process.env.OPENPACT_PACT || undefined)
  }

  /** The daemon of this directory, or the one that `--port` names. */
  daemon(): DaemonRecord | null {
    const record = runningDaemon(this.place)
    if (record || this.flags.port === undefined) return record
    return { pid: 0, url: `http://127.0.0.1:${this.port()}`, started: 0, version: '', born: null }
  }

  /** @throws OpenPactError DAEMON_DOWN, TOKEN_UNREADABLE */
  client(): Client {
    const daemon = this.daemon()
    if (!daemon) throw new OpenPactError('DAEMON_DOWN', { place: this.place.dataDir })
    return this.clientOf(daemon)
  }

  clientOf(daemon: DaemonRecord): Client {
    const onsilence = () => {
      if (!this.json) notice('The daemon does not answer; it is asked again and again.')
    }
    const { url, pid } = daemon
    return new Client({ url, token: readToken(this.place), log: this.place.logFile, known: pid !== 0, onsilence })
  }

  /** Runs `work` against the daemon, or against one that is started for it alone and stopped afterwards. */
  async withDaemon<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const running = runningDaemon(this.place)
    if (running) return work(this.clientOf(running))
    const daemon = await this.start({ temporary: true, port: 0 })
    try {
      return await work(this.clientOf(daemon.record))
    } finally {
      await this.progress('Closing', () => daemon.stop())
    }
  }

  /** Starts a daemon on this directory and waits until it answers. */
  start(options: Partial<LaunchOptions>): Promise<Launched> {
    const { config, bootstrap, bind } = this.flags
    let doing = 'Starting the daemon'
    const launching: LaunchOptions = {
      config,
      bootstrap,
      bind,
      port: this.flags.port === undefined ? undefined : this.port(),
      ...options,
      place: this.place,
      onprogress: text => {
        doing = text
      },
    }
    return withProgress(
      () => doing,
      this.json,
      () => launch(launching),
    )
  }

  /** @throws OpenPactError PORT_INVALID */
  port(): number {
    return parsePort(this.flags.port ?? '')
  }

  /** Path of the pact that was named, or of the active one. @throws OpenPactError NO_PACT, PACT_AMBIGUOUS */
  async pactPath(client: Client): Promise<string> {
    return `/v1/pacts/${pathPart(this.pact ?? (await this.#activePact(client)))}`
  }

  async #activePact(client: Client): Promise<string> {
    const pacts = await listPacts(client)
    const active = pacts.find(pact => pact.active)
    if (active) return active.id
    const machine = await machineOf(client)
    // It is here but not open: asking for it says why.
    if (machine.active) return machine.active
    if (pacts.length === 1 && pacts[0]) return pacts[0].id
    const [broken] = machine.failed
    if (pacts.length === 0 && broken) {
      const { error: code, message, help } = broken
      throw new RemoteFailure({ code, kind: 'unavailable', message, help })
    }
    const [waiting] = machine.joining
    if (pacts.length === 0 && waiting)
      throw new OpenPactError('NO_PACT_YET', { pact: waiting.alias ?? 'a pact', words: waiting.words })
    if (pacts.length === 0) throw new OpenPactError('NO_PACT')
    throw new OpenPactError('PACT_AMBIGUOUS', { pacts: pacts.map(pact => pact.alias).join(', ') })
  }

  /** @param text what is waited for; a function where that changes meanwhile */
  progress<T>(text: string | (() => string), work: () => Promise<T>): Promise<T> {
    return withProgress(typeof text === 'string' ? () => text : text, this.json, work)
  }

  /** Runs `work` once, or with `on` until a signal, each time showing what it wrote if that has changed. */
  async watching(on: boolean, work: () => Promise<void>): Promise<void> {
    if (!on) return work()
    const look = async () => {
      this.#look = ''
      await work()
      return this.#look
    }
    await watch(look, text => process.stdout.write(text))
  }

  /** An answer on stdout: JSON for programs (on one line each while watched), else a table or lines. */
  print(answer: unknown, columns?: readonly string[], page?: Page): void {
    const json = () => `${JSON.stringify(answer, null, this.#look === null ? 2 : 0)}\n`
    this.write(this.json ? json() : renderAnswer(answer, columns, page))
  }

  /** Words for people; programs get `answer` alone. */
  say(text: string, answer: unknown): void {
    if (this.json) this.print(answer)
    else this.write(this.hinting(`${text}\n`))
  }

  /** A text of ours with commands that act on this data directory and pact. */
  hinting(text: string): string {
    return pasteable(text, this.flags)
  }

  /** A text that others wrote, byte for byte; at a terminal its control characters are shown, and it ends its line. */
  writeText(text: string): void {
    if (process.stdout.isTTY) this.write(`${plain(text).replace(/\n$/, '')}\n`)
    else this.write(text)
  }

  write(text: string): void {
    if (this.#look === null) process.stdout.write(text)
    else this.#look += text
  }
}

/** Nothing for a token that may not know. */
export async function machineOf(client: Client): Promise<MachineLine> {
  return client.get<MachineLine>('/v1/status').then(
    ({ body }) => body,
    error => {
      if (error instanceof RemoteFailure && error.failure.code === 'OUT_OF_SCOPE')
        return { active: null, failed: [], joining: [] }
      throw error
    },
  )
}

/** All pacts of a daemon. */
export async function listPacts(client: Client): Promise<PactLine[]> {
  return (await client.get<{ entries: PactLine[] }>('/v1/pacts')).body.entries
}

/** @throws OpenPactError PORT_INVALID */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new OpenPactError('PORT_INVALID', { value: text })
  return port
}
