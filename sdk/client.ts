/** The client: any operation by its name, lists and events as iterations. */
import { pause } from './deadline.ts'
import { failure, isOpenPactError } from './errors.ts'
import { readMessages } from './event-stream.ts'
import type { Operations } from './operations.ts'
import { type Route, Routes } from './routes.ts'
import { type Address, type Locate, Transport } from './transport.ts'
import type { Arguments, ItemOf, ListName, OperationTypes } from './types.ts'

export interface CallOptions {
  /** Ends the call: it throws the signal's reason. */
  signal?: AbortSignal
  /** ms over all tries; 60 000, and what the input's own `timeout` says on top. */
  timeout?: number
  /** 1–255 printable ASCII characters; made for every write when absent. The same key writes nothing twice. */
  idempotencyKey?: string
}

type Changes = Operations['events.changes']['input']

/** What is wanted: the fields of a match, or a whole one. All events if absent. */
export interface EventOptions extends Omit<Changes, 'since' | 'from' | 'limit' | 'wait' | 'match'> {
  match?: Operations['events.test']['input']['match']
  /** Cursor of the last event that was seen; without one, events begin now. */
  since?: string
  /** Ends the iteration: it throws the signal's reason. */
  signal?: AbortSignal
}

/** An event of a pact. `entry` is there on `entry-applied`, as it stands now. */
export type PactEvent = Operations['events.changes']['output']['events'][number] & {
  /** Id of the pact. */
  pact: string
  entry?: Operations['entries.get']['output'] | null
  /** Where to go on: `since` of a later iteration. */
  cursor: string
}

const TIMEOUT = 60_000
/** A stream that says nothing for so long is dead: signs of life come every 15 s. */
const SILENCE = 45_000
/** Between tries to resume a stream, ms. */
const RESUME_FIRST = 100
const RESUME_LONGEST = 2_000
/** After these a stream may be tried again; anything else would go wrong again. */
const passing = ['DAEMON_DOWN', 'DAEMON_UNREACHABLE', 'NOT_READY', 'CLOSING', 'RATE_LIMITED', 'CALL_TIMEOUT'] as const

/** A client of one daemon, for the active pact or one that is named. `Ops` are the operations whose types are known. */
export class OpenPact<Ops extends OperationTypes = Operations> {
  readonly #transport: Transport
  readonly #routes: Routes
  readonly #named: string | undefined
  #active: Promise<string> | null = null

  private constructor(transport: Transport, routes: Routes, pact: string | undefined) {
    this.#transport = transport
    this.#routes = routes
    this.#named = pact
  }

  /** A client of the daemon that `locate` finds; it is asked again when the daemon is gone. */
  static at<Ops extends OperationTypes = Operations>(locate: Locate, pact?: string): OpenPact<Ops> {
    const transport = new Transport(locate)
    const ask = () => transport.send({ method: 'GET', path: '/v1/operations', repeatable: true, timeout: TIMEOUT })
    return new OpenPact<Ops>(transport, new Routes(ask), pact)
  }

  /** The same for another pact. @param pact alias or 64-hex id */
  pact(pact: string): OpenPact<Ops> {
    return new OpenPact<Ops>(this.#transport, this.#routes, pact)
  }

  /**
   * Runs an operation.
   * @throws OpenPactError with the daemon's code, or DAEMON_DOWN, DAEMON_UNREACHABLE, CALL_TIMEOUT, NO_PACT, PACT_AMBIGUOUS
   */
  call<Name extends keyof Ops & string>(
    name: Name,
    ...[input, options]: Arguments<Ops[Name]['input'], CallOptions>
  ): Promise<Ops[Name]['output']> {
    return this.invoke(name, input, options) as Promise<Ops[Name]['output']>
  }

  /** Runs an operation of which only the name is known. @throws OpenPactError as `call`, and OPERATION_UNKNOWN */
  async invoke(name: string, input: object = {}, options: CallOptions = {}): Promise<unknown> {
    const route = await this.#routes.find(name)
    const fields: Record<string, unknown> = { ...input }
    const path = await this.#path(name, route, fields)
    const { method } = route
    const read = route.access === 'read' || route.access === 'open'
    const wanted = typeof fields.timeout === 'number' ? fields.timeout : 0
    return this.#transport.send({
      method,
      path,
      ...(method === 'GET' || method === 'DELETE' ? { query: fields } : { body: fields }),
      headers: read ? {} : { 'idempotency-key': options.idempotencyKey ?? crypto.randomUUID() },
      // A daemon that restarts knows the keys of what stands in a ledger, not those of what it did to its machine.
      repeatable: read ? method !== 'POST' : route.scope === 'pact',
      timeout: options.timeout ?? TIMEOUT + wanted,
      signal: options.signal,
    })
  }

  /** Walks through a list, page by page as it is read. `limit` of the input is the size of a page. */
  async *list<Name extends ListName<Ops>>(
    name: Name,
    ...[input, options]: Arguments<Ops[Name]['input'], CallOptions>
  ): AsyncGenerator<ItemOf<Ops[Name]['output']>, void, undefined> {
    let next: string | null = null
    do {
      const asked: object = next === null ? { ...input } : { ...input, cursor: next }
      const page = (await this.invoke(name, asked, options)) as { entries: unknown[]; cursor: string | null }
      yield* page.entries as ItemOf<Ops[Name]['output']>[]
      next = page.cursor
    } while (next !== null)
  }

  /**
   * Events of the pact as they happen. A broken connection or a daemon that starts anew is resumed after the last event, without a gap
   * and without anything twice.
   * @throws OpenPactError when the first connection fails, or the daemon refuses
   */
  async *events(options: EventOptions = {}): AsyncGenerator<PactEvent, void, undefined> {
    const { signal, since, match, ...wanted } = options
    const pact = this.#named ?? (await this.#activePact())
    let cursor = since
    let connected = false
    let delay = RESUME_FIRST
    for (;;) {
      signal?.throwIfAborted()
      const end = new AbortController()
      const stop = () => end.abort()
      signal?.addEventListener('abort', stop)
      try {
        const query = { ...wanted, match: match && JSON.stringify(match), pact, since: cursor }
        const request = { method: 'GET', path: '/v1/events', query, repeatable: true, timeout: TIMEOUT }
        const stream = await this.#transport.open({ ...request, signal: end.signal })
        connected = true
        for await (const { id, data } of readMessages(stream, SILENCE)) {
          cursor = id
          delay = RESUME_FIRST
          if (data !== '') yield { ...(JSON.parse(data) as Omit<PactEvent, 'cursor'>), cursor: id }
        }
      } catch (error) {
        signal?.throwIfAborted()
        if (isOpenPactError(error) && !(connected && isOpenPactError(error, ...passing))) throw error
      } finally {
        signal?.removeEventListener('abort', stop)
        end.abort()
      }
      await pause(delay, signal)
      delay = Math.min(RESUME_LONGEST, delay * 2)
    }
  }

  async #path(name: string, route: Route, fields: Record<string, unknown>): Promise<string> {
    const values = new Map<string, string>()
    if (route.scope === 'pact') values.set('pactId', this.#named ?? (await this.#activePact()))
    for (const [, field = ''] of route.path.matchAll(/:(\w+)/g)) {
      if (values.has(field)) continue
      values.set(field, String(fields[field] ?? ''))
      delete fields[field]
    }
    for (const [field, value] of values) {
      // A URL would take these for steps in its path, and reach another operation.
      if (value === '' || value === '.' || value === '..') throw failure('INPUT_INCOMPLETE', { name, field })
    }
    return route.path.replace(/:(\w+)/g, (_, field: string) => encodeURIComponent(values.get(field) ?? ''))
  }

  #activePact(): Promise<string> {
    this.#active ??= this.#findActive().catch(error => {
      this.#active = null
      throw error
    })
    return this.#active
  }

  async #findActive(): Promise<string> {
    const { entries } = (await this.invoke('pacts.list')) as Operations['pacts.list']['output']
    const active = entries.find(pact => pact.active)
    if (active) return active.id
    // It may be on the machine but not open: asking for it says why. A token may be kept from knowing.
    const machine = (await this.invoke('pacts.machine').catch(() => null)) as
      | Operations['pacts.machine']['output']
      | null
    if (machine?.active) return machine.active
    if (entries.length === 1 && entries[0]) return entries[0].id
    if (entries.length === 0) throw failure('NO_PACT')
    throw failure('PACT_AMBIGUOUS', { pacts: entries.map(({ alias }) => alias).join(', ') })
  }
}

export type { Address, Locate }
