/**
 * A daemon is killed again and again while entries are written and a receiver fails at random: every event arrives at least once,
 * for the first time in the order of the ledger, and nothing arrives that is not in it.
 */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { eventually, TestDaemon, temporaryDirectory } from '../support/daemon.ts'
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts'
import { Prng } from './prng.ts'
import type { Outcome } from './run.ts'

const WRITERS = 8
const base = '/v1/pacts/first'
/** Two seconds in all, so that a run takes minutes; the schedule of the standard takes days. */
const config = {
  network: false,
  plugins: [{ plugin: 'webhooks', config: { retry_seconds: [0, ...Array(19).fill(0.02)] } }],
}

interface Subscription {
  id: string
  secret: string
  pending: number
  dead: number
}

/** One subscription's receiver, and what it took for good. */
interface Watch {
  name: string
  match: object
  wants: (topic: string) => boolean
  receiver: Receiver
  webhook?: Webhook
  id?: string
  taken: string[]
  failed: number
  repeated: number
}

export async function webhooks(
  seed: number,
  entries: number,
  kills: number,
  progress: (line: string) => void,
): Promise<Outcome> {
  const started = performance.now()
  const prng = new Prng(seed)
  const root = await temporaryDirectory()
  const file = join(root, 'soak.config.json')
  await writeFile(file, JSON.stringify(config))
  const daemon = await TestDaemon.start({ dataDir: join(root, 'data'), args: ['--first-pact', '--config', file] })
  const faults: string[] = []
  const watch = async (name: string, match: object, wants: Watch['wants']): Promise<Watch> => ({
    ...{ name, match, wants, receiver: await startReceiver(), taken: [], failed: 0, repeated: 0 },
  })
  const watches = [
    await watch('all', { type: 'knowledge' }, () => true),
    await watch('confirmed', { topic: 'soak/1*', until: 'confirmed' }, topic => topic.startsWith('soak/1')),
  ]
  try {
    for (const one of watches) {
      const body = { callback: one.receiver.url, match: one.match }
      const { body: made } = await daemon.post<Subscription>(`${base}/subscriptions`, body)
      one.webhook = new Webhook(made.secret)
      one.id = made.id
      listen(one, prng, faults)
    }
    await write(daemon, entries, kills, prng, progress)
    progress('written; waiting for the last deliveries')
    for (const { id, name } of watches) {
      await eventually(
        `everything delivered to ${name}`,
        async () => {
          const { body } = await daemon.get<Subscription>(`${base}/subscriptions/${id}`)
          if (body.dead > 0) throw new Error(`${body.dead} deliveries to ${name} were given up`)
          return body.pending === 0 && arrived(name)
        },
        600_000,
      )
    }
    const ledger = await everything(daemon)
    if (ledger.length !== entries) faults.push(`${ledger.length} entries in the ledger instead of ${entries}`)
    for (const one of watches) {
      const wanted = ledger.filter(({ topic }) => one.wants(topic)).map(({ id }) => id)
      if (JSON.stringify(one.taken) !== JSON.stringify(wanted)) faults.push(difference(one, wanted))
      const { name, taken, failed, repeated } = one
      progress(`${name}: ${taken.length} of ${wanted.length} events, ${failed} requests refused, ${repeated} repeated`)
    }
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error))
  }
  await daemon.dispose()
  for (const { receiver } of watches) await receiver.close()
  if (faults.length === 0) await rm(root, { recursive: true, force: true })
  const nothing = { closes: 1, reverts: 0, nudges: 0, repairs: 0, waits: 0 }
  const ms = Math.round(performance.now() - started)
  return { seed, faults, entries, kills, ms, kept: faults.length > 0 ? root : null, ...nothing }

  /** The outbox may still be being read: only the right number tells that nothing is on its way. */
  function arrived(name: string): boolean {
    const one = watches.find(each => each.name === name)!
    const wanted = Array.from({ length: entries }, (_, i) => topicOf(i)).filter(one.wants).length
    return one.taken.length >= wanted
  }
}

function topicOf(i: number): string {
  return `soak/${i % 40}`
}

/** Refuses one in fourteen or so in one way or another; some it takes and fails to say so. */
function listen(one: Watch, prng: Prng, faults: string[]): void {
  const seen = new Set<string>()
  const take = ({ message }: Received) => {
    const id = String(message.data.subject_id)
    if (seen.has(id)) one.repeated++
    else one.taken.push(id)
    seen.add(id)
  }
  one.receiver.respond = (received, response) => {
    const { body, headers } = received
    try {
      one.webhook!.verify(body, headers)
    } catch (error) {
      faults.push(`a message to ${one.name} is not signed well: ${error}`)
    }
    if (received.message.type !== 'entry.applied') faults.push(`${one.name} got a ${received.message.type}`)
    const luck = prng.int(0, 99)
    if (luck < 7) one.failed++
    if (luck < 3) return void response.writeHead(500).end()
    if (luck < 5) return void response.destroy()
    take(received)
    if (luck < 7) return void response.destroy()
    response.writeHead(200).end()
  }
}

/** Writers that send again what was not answered, with the same key, while the daemon comes and goes. */
async function write(
  daemon: TestDaemon,
  entries: number,
  kills: number,
  prng: Prng,
  progress: (line: string) => void,
): Promise<void> {
  let next = 0
  let answered = 0
  let up = Promise.resolve()
  const moments = Array.from({ length: kills }, (_, i) => Math.floor((entries * (i + prng.int(1, 99) / 100)) / kills))
  const kill = async () => {
    await daemon.kill9()
    progress(`killed after ${answered} entries`)
    await daemon.start()
  }
  const writer = async () => {
    for (let i = next++; i < entries; i = next++) {
      for (;;) {
        await up
        const body = { topic: topicOf(i), content: `entry ${i}`, source: String(i) }
        const answer = await daemon
          .post(`${base}/knowledge`, body, { 'idempotency-key': `soak-${i}` })
          .catch(() => null)
        if (answer?.status === 201) break
        if (answer && answer.status < 500 && answer.status !== 409) throw new Error(JSON.stringify(answer.body))
      }
      if (++answered === moments[0]) {
        moments.shift()
        up = kill()
      }
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  await up
}

async function everything(daemon: TestDaemon): Promise<{ id: string; topic: string }[]> {
  interface Page {
    entries: { id: string; topic: string }[]
    cursor: string | null
  }
  const found: Page['entries'] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = `order=asc&limit=1000${cursor && `&cursor=${cursor}`}`
    const { body }: { body: Page } = await daemon.get<Page>(`${base}/knowledge?${query}`)
    found.push(...body.entries)
    cursor = body.cursor
  }
  return found
}

function difference({ name, taken }: Watch, wanted: readonly string[]): string {
  const at = taken.findIndex((id, i) => id !== wanted[i])
  const [got, set] = [new Set(taken), new Set(wanted)]
  const missing = wanted.filter(id => !got.has(id)).length
  const invented = taken.filter(id => !set.has(id)).length
  return `${name}: ${missing} missing, ${invented} invented, first difference at ${at} of ${wanted.length}`
}
