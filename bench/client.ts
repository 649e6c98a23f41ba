/** A program that uses one daemon: HTTP over sockets that are kept open, and its event stream. */
import { Agent, type ClientRequest, request } from 'node:http'
import type { TestDaemon } from '../test/support/daemon.ts'

export interface Entry {
  id: string
}

interface Page {
  entries: Entry[]
}

const filler = 'The quick brown agent notes a decision about the build so that nobody has to look it up again. '.repeat(
  2,
)
/** Topics that the entries of the bench are spread over. */
export const topics = 50

export class Client {
  readonly #daemon: TestDaemon
  readonly #base: string
  // In turn, so that none lies idle until the daemon closes it in the moment when it is used again.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256, scheduling: 'fifo' })
  #written = 0

  constructor(daemon: TestDaemon, pact: string) {
    this.#daemon = daemon
    this.#base = `/v1/pacts/${pact}`
  }

  /** Records a piece of knowledge of about 200 bytes. */
  write(): Promise<Entry> {
    const i = this.#written++
    const entry = { topic: `topic-${i % topics}`, content: `entry ${i}: ${filler}`, source: `bench/${i}` }
    return this.post<Entry>('/knowledge', entry)
  }

  list(limit: number): Promise<Page> {
    return this.get<Page>(`/knowledge?limit=${limit}`)
  }

  /** Reads to the last byte and leaves it at that: what the client does with an answer is not the daemon's time. */
  read(path: string): Promise<string> {
    return this.#ask('GET', this.#base + path)
  }

  get<T>(path: string): Promise<T> {
    return this.#json<T>('GET', this.#base + path)
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.#json<T>('POST', this.#base + path, body)
  }

  delete(path: string): Promise<unknown> {
    return this.#ask('DELETE', this.#base + path)
  }

  /** The path is of the daemon, not of the pact. */
  daemonPost<T>(path: string, body: object): Promise<T> {
    return this.#json<T>('POST', path, body)
  }

  ping(): Promise<unknown> {
    return this.#ask('GET', '/v1/ping')
  }

  /** Calls back with the id of every entry that becomes readable here. Resolves, when the stream is open, with its end. */
  follow(onentry: (id: string) => void): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const call = this.#open('GET', '/v1/events', response => {
        if (response.statusCode !== 200) return reject(new Error(`/v1/events: ${response.statusCode}`))
        let text = ''
        response.setEncoding('utf8')
        response.on('data', chunk => {
          const frames = (text + chunk).split('\n\n')
          text = frames.pop() ?? ''
          for (const frame of frames) {
            const id = /^event: ?entry-applied$/m.test(frame) && /"entry":\{"id":"([^"]+)"/.exec(frame)?.[1]
            if (id) onentry(id)
          }
        })
        response.on('error', () => {})
        resolve(() => call.destroy())
      })
      call.once('error', reject)
      call.end()
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T> {
    return JSON.parse(await this.#ask(method, path, body)) as T
  }

  #ask(method: string, path: string, body?: object): Promise<string> {
    return new Promise((resolve, reject) => {
      const call = this.#open(method, path, response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString()
          if ((response.statusCode ?? 500) < 300) resolve(text)
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 300)}`))
        })
      })
      call.once('error', reject)
      call.end(body && JSON.stringify(body))
    })
  }

  #open(method: string, path: string, onresponse: Parameters<typeof request>[2] & object): ClientRequest {
    const headers = { authorization: `Bearer ${this.#daemon.token}`, 'content-type': 'application/json' }
    return request(new URL(path, this.#daemon.url), { method, headers, agent: this.#agent }, onresponse)
  }
}
