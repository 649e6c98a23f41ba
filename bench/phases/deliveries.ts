/** Events that leave the daemon: webhooks per second, from an append to its callback, the last of many streams, what 1,000 subscriptions cost. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Bench } from '../bench.ts'
import type { Client } from '../client.ts'
import { inFlight, type Run } from '../measure.ts'
import { paced, timed } from '../report.ts'

interface Subscription {
  id: string
}

/** Answers every webhook with 204 and tells when it came. */
class Callback {
  readonly #server: Server
  readonly #waiting = new Map<string, (at: number) => void>()
  readonly #came = new Map<string, number>()
  count = 0

  private constructor() {
    this.#server = createServer((request, response) => {
      const at = performance.now()
      let text = ''
      request.setEncoding('utf8')
      request.on('data', chunk => {
        text += chunk
      })
      request.on('end', () => {
        response.writeHead(204).end()
        this.count++
        const id = /"subject_id":"([^"]+)"/.exec(text)?.[1] ?? ''
        this.#came.set(id, at)
        this.#waiting.get(id)?.(at)
      })
    })
  }

  static async open(): Promise<Callback> {
    const callback = new Callback()
    await new Promise<void>(resolve => callback.#server.listen(0, '127.0.0.1', resolve))
    return callback
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** When the webhook about an entry came, on the clock of this process. */
  arrival(id: string): Promise<number> {
    const at = this.#came.get(id)
    if (at !== undefined) return Promise.resolve(at)
    return new Promise(resolve => {
      this.#waiting.set(id, resolve)
    })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

export async function deliveries(bench: Bench): Promise<void> {
  const { client } = await bench.founder()
  const callback = await Callback.open()
  try {
    await inFlight(bench.quick ? 300 : 2000, 64, () => client.write())
    const subscription = await client.post<Subscription>('/subscriptions', {
      callback: callback.url,
      type: 'knowledge',
    })
    await throughput(bench, client, callback)
    await appendToCallback(bench, client, callback)
    await client.delete(`/subscriptions/${subscription.id}`)
    await streams(bench, client)
    await thousand(bench, client, callback)
  } finally {
    callback.close()
  }
}

/** From the first POST to the last callback: one endpoint, in order, beside the rate of the POSTs themselves. */
async function throughput(bench: Bench, client: Client, callback: Callback): Promise<void> {
  const count = bench.quick ? 500 : 5000
  const ids: string[] = []
  const started = performance.now()
  const posts = await inFlight(count, 64, async () => ids.push((await client.write()).id))
  const times = (await Promise.all(ids.map(id => callback.arrival(id)))).map(at => at - started)
  const value = (1000 * count) / Math.max(...times)
  bench.report.row(
    'deliveries, one endpoint, and POST',
    { value, unit: '/s' },
    { value: paced(posts).value, unit: '/s' },
  )
}

/** One entry at a time: how long after the answer to its POST its callback comes; negative when it comes before. */
async function appendToCallback(bench: Bench, client: Client, callback: Callback): Promise<void> {
  const [posts, callbacks, beyond]: [number[], number[], number[]] = [[], [], []]
  for (let i = 0; i < (bench.quick ? 60 : 500); i++) {
    const start = performance.now()
    const { id } = await client.write()
    const answered = performance.now()
    const came = await callback.arrival(id)
    posts.push(answered - start)
    callbacks.push(came - start)
    beyond.push(came - answered)
  }
  bench.report.row('append to callback', timed({ times: callbacks, wall: 0 }), timed({ times: posts, wall: 0 }))
  const { p50 } = bench.report.row('callback after the answer', timed({ times: beyond, wall: 0 })).ours
  bench.report.mark('append to callback p50, over the append', Number(p50), 'at most', 10, 'ms')
}

/** 100 streams: how long after the answer to a POST the last of them has the entry. */
async function streams(bench: Bench, client: Client): Promise<void> {
  const subscribers = 100
  const waiting = new Map<string, (at: number) => void>()
  const seen = new Map<string, number>()
  const onentry = (id: string) => {
    const count = (seen.get(id) ?? 0) + 1
    seen.set(id, count)
    if (count === subscribers) waiting.get(id)?.(performance.now())
  }
  const ends = await Promise.all(Array.from({ length: subscribers }, () => client.follow(onentry)))
  const beyond: number[] = []
  for (let i = 0; i < (bench.quick ? 40 : 300); i++) {
    const { id } = await client.write()
    const answered = performance.now()
    const at = await new Promise<number>(done => {
      if (seen.get(id) === subscribers) done(answered)
      else waiting.set(id, done)
    })
    beyond.push(at - answered)
  }
  for (const end of ends) end()
  const { p50 } = bench.report.row('last of 100 streams after the answer', timed({ times: beyond, wall: 0 })).ours
  bench.report.mark('last of 100 streams p50, after the answer', Number(p50), 'at most', 10, 'ms')
}

/** Entries that none of 1,000 subscriptions wants, between runs with none at all, so that neither profits from coming later. */
async function thousand(bench: Bench, client: Client, callback: Callback): Promise<void> {
  const count = bench.quick ? 400 : 3000
  const [without, having]: [Run[], Run[]] = [[], []]
  const run = () => inFlight(count, 16, () => client.write())
  // A daemon that has just answered other calls is slower at first.
  for (let i = 0; i < 3; i++) await run()
  for (let round = 0; round < (bench.quick ? 3 : 5); round++) {
    without.push(await run())
    const made: Subscription[] = []
    await inFlight(1000, 16, async i => {
      const match = i % 2 === 0 ? { type: 'knowledge', topic: `elsewhere-${i}` } : { type: 'task', status: 'open' }
      made.push(await client.post<Subscription>('/subscriptions', { callback: callback.url, match }))
    })
    await run()
    having.push(await run())
    await inFlight(1000, 16, i => client.delete(`/subscriptions/${made[i]!.id}`))
    await run()
    without.push(await run())
  }
  const row = bench.report.row('POST beside 1,000 subscriptions', paced(...having), paced(...without))
  bench.report.mark('cost of 1,000 subscriptions', 100 * (1 / Number(row.ratio) - 1), 'at most', 10, '%')
}
