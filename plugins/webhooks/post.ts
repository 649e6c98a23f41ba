/** One attempt: a signed POST to the address that was checked, with one deadline for all of it. */
import * as http from 'node:http'
import * as https from 'node:https'
import { isIP } from 'node:net'
import { isOpenPactError } from '../../kernel/index.ts'
import type { Network } from './addresses.ts'
import {
  checkAddress,
  checkedLookup,
  hostOf,
  type Policy,
  parseCallback,
  type Resolve,
  systemResolve,
} from './callback.ts'
import { retryAfter } from './schedule.ts'
import type { SignedHeaders } from './signature.ts'

export interface Outcome {
  /** HTTP status; null when no answer came. */
  status: number | null
  /** Null on success. */
  error: string | null
  /** How long it took, ms. */
  ms: number
  /** What the receiver asked to wait, ms. */
  retryAfter: number | null
}

export interface PosterOptions {
  allow: readonly Network[]
  /** `openpact/<version>` */
  agent: string
  /** ms */
  deadline?: number
  resolve?: Resolve
}

/** Of an answer no more is read. */
const READ_BYTES = 64 * 1024

/** Connections of callers that may reach this machine are never used for others. */
interface Lane {
  policy: Policy
  http: http.Agent
  https: https.Agent
}

export class Poster {
  readonly resolve: Resolve
  readonly #agent: string
  readonly #deadline: number
  readonly #lanes: Record<'machine' | 'world', Lane>

  constructor({ allow, agent, deadline = 15_000, resolve = systemResolve }: PosterOptions) {
    this.#agent = agent
    this.#deadline = deadline
    this.resolve = resolve
    this.#lanes = { machine: lane({ loopback: true, allow }), world: lane({ loopback: false, allow }) }
  }

  policy(loopback: boolean): Policy {
    return this.#lanes[loopback ? 'machine' : 'world'].policy
  }

  /** Never throws: what goes wrong is the outcome. */
  async post(
    callback: string,
    loopback: boolean,
    headers: SignedHeaders,
    body: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const started = performance.now()
    // Not AbortSignal.any: in Node 20 one that is made of a timeout may be collected before it fires.
    const deadline = new AbortController()
    const end = () => deadline.abort()
    const timer = setTimeout(end, this.#deadline)
    signal.addEventListener('abort', end)
    let result: Omit<Outcome, 'ms'>
    try {
      const url = parseCallback(callback)
      const { policy, ...agents } = this.#lanes[loopback ? 'machine' : 'world']
      const host = hostOf(url)
      if (isIP(host)) checkAddress(host, policy)
      const options: https.RequestOptions = {
        method: 'POST',
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': this.#agent,
        },
        lookup: checkedLookup(policy, this.resolve),
        signal: deadline.signal,
      }
      const open = () =>
        url.protocol === 'https:'
          ? https.request(url, { ...options, agent: agents.https })
          : http.request(url, { ...options, agent: agents.http })
      result = await exchange(open, body)
    } catch (error) {
      result = { status: null, error: reasonOf(error, deadline.signal), retryAfter: null }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
    }
    return { ...result, ms: Math.round(performance.now() - started) }
  }

  close(): void {
    for (const { http, https } of Object.values(this.#lanes)) {
      http.destroy()
      https.destroy()
    }
  }
}

function lane(policy: Policy): Lane {
  const options = { keepAlive: true, maxFreeSockets: 64, timeout: 30_000 }
  return { policy, http: new http.Agent(options), https: new https.Agent(options) }
}

async function exchange(open: () => http.ClientRequest, body: string): Promise<Omit<Outcome, 'ms'>> {
  let request = open()
  let answer: http.IncomingMessage
  try {
    answer = await send(request, body)
  } catch (error) {
    // A connection that was kept open may have been closed by the receiver just now: that is no failure of the receiver.
    if (!request.reusedSocket || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
    request = open()
    answer = await send(request, body)
  }
  await drain(answer, request)
  const status = answer.statusCode ?? 0
  const wish = retryAfter(answer.headers['retry-after'], Date.now())
  // A redirect is not followed: where it leads was not subscribed to.
  return { status, error: status >= 200 && status < 300 ? null : `it answered ${status}`, retryAfter: wish }
}

function send(request: http.ClientRequest, body: string): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
    // Without an error when it was switched to another protocol (101): Node drops it then.
    request.once('close', () => reject(new Error('the connection ended without an answer')))
    request.end(body)
  })
}

/** Reads an answer to its end, so that the connection can be used again, or to the cap. */
async function drain(answer: http.IncomingMessage, request: http.ClientRequest): Promise<void> {
  let read = 0
  for await (const chunk of answer) {
    read += (chunk as Buffer).length
    if (read > READ_BYTES) {
      request.destroy()
      return
    }
  }
}

/** What went wrong in a few words; nothing of what the receiver sent. */
function reasonOf(error: unknown, deadline: AbortSignal): string {
  if (isOpenPactError(error)) return error.message
  if (deadline.aborted) return 'it did not answer in time'
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
