/**
 * The two-machine story with real processes on a private DHT: `npm run demo`. Every line that claims something was checked before it
 * was printed; the first that does not hold ends the demo with exit code 1.
 */
import { strict as assert } from 'node:assert'
import { eventually, openpact, type PrivateNetwork, startNetwork, TestDaemon } from './support/daemon.ts'

interface Entry {
  id: string
  payload: { content?: string }
  author: string
}
interface Page {
  entries: Entry[]
}
interface Task {
  id: string
  status: string
  claimed_by: string | null
}
interface Status {
  length: number
  chain: string
  peer_handle: string
  waiting: string
}

const pact = '/v1/pacts/demo'
const started = Date.now()
const closers: (() => Promise<void>)[] = []

function step(title: string): void {
  console.log(`\n${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${title}`)
}

function say(machine: 'A' | 'B' | ' ', text: string): void {
  console.log(`         ${machine}  ${text}`)
}

async function command(daemon: TestDaemon, ...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await openpact([...args, '--json', ...daemon.flags()])
  assert.equal(code, 0, `openpact ${args[0]} failed: ${stderr}`)
  return JSON.parse(stdout) as Record<string, unknown>
}

async function story(network: PrivateNetwork): Promise<void> {
  const [a, b] = [await TestDaemon.prepare({ network }), await TestDaemon.prepare({ network })]
  closers.push(
    () => a.dispose(),
    () => b.dispose(),
  )

  step('Machine A creates a pact; its daemon does not run yet. B starts.')
  const [created] = await Promise.all([command(a, 'init', '--name', 'Demo', '--alias', 'demo'), b.start()])
  say('A', `openpact init --alias demo  →  pact ${String(created.id).slice(0, 16)}…`)
  await a.start()
  say('A', `listens on ${a.url}`)
  say('B', `listens on ${b.url}`)

  step('A invites, B joins.')
  const invite = await command(a, 'invite', '--pact', 'demo')
  say(
    'A',
    `openpact invite  →  ${String(invite.token).slice(0, 24)}…  (one newcomer, 24 hours, holds no key of the pact)`,
  )
  await command(b, 'join', String(invite.token), '--alias', 'demo')
  say('B', 'openpact join  →  admitted; the pact can be read and written')

  step('Knowledge, both ways.')
  const [handleA, handleB] = [await handle(a), await handle(b)]
  await share(a, b, 'Webhooks moved to /api/v3/webhooks/stripe.')
  say('A', 'wrote: Webhooks moved to /api/v3/webhooks/stripe.')
  say('B', `reads it, signed by ${handleA}`)
  await share(b, a, 'Retries stop after 20 hours.')
  say('B', 'wrote: Retries stop after 20 hours.')
  say('A', `reads it, signed by ${handleB}`)

  step('One task, both claim it at the same moment.')
  await claimRace(a, b, { [handleA]: 'A', [handleB]: 'B' })

  step('B is killed (kill -9). A goes on.')
  await b.kill9()
  const missed = await a.post<Entry>(`${pact}/knowledge`, { topic: 'demo', content: 'Written while B was gone.' })
  assert.equal(missed.status, 201)
  say('A', `wrote ${missed.body.id}: Written while B was gone.`)
  await b.start()
  await eventually(
    'B reads what it missed',
    async () => (await b.get(`${pact}/entries/${missed.body.id}`)).status === 200,
  )
  say('B', 'is back and reads it')

  step('The same chain on both machines.')
  const [statusA, statusB] = await eventually('both sides have the same chain', async () => {
    const both = await Promise.all([status(a), status(b)])
    return both[0].length === both[1].length && both[0].chain === both[1].chain ? both : null
  })
  say('A', `${statusA.length} entries, chain ${statusA.chain.slice(0, 32)}…`)
  say('B', `${statusB.length} entries, chain ${statusB.chain.slice(0, 32)}…`)
}

async function status(daemon: TestDaemon): Promise<Status> {
  return (await daemon.get<Status>(`${pact}/status`)).body
}

async function handle(daemon: TestDaemon): Promise<string> {
  return (await status(daemon)).peer_handle
}

async function share(from: TestDaemon, to: TestDaemon, content: string): Promise<void> {
  const written = await from.post<Entry>(`${pact}/knowledge`, { topic: 'stripe', content, source: 'demo' })
  assert.equal(written.status, 201, JSON.stringify(written.body))
  await eventually('the other side reads it', async () => {
    const page = await to.get<Page>(`${pact}/knowledge?topic=stripe`)
    return page.body.entries.some(entry => entry.id === written.body.id && entry.payload.content === content)
  })
}

async function claimRace(a: TestDaemon, b: TestDaemon, machines: Record<string, 'A' | 'B'>): Promise<void> {
  const task = await a.post<Task>(`${pact}/tasks`, { title: 'Renew the certificate' })
  assert.equal(task.status, 201, JSON.stringify(task.body))
  await eventually('B knows the task', async () => (await b.get(`${pact}/tasks/${task.body.id}`)).status === 200)
  const answers = await Promise.all([a, b].map(daemon => daemon.put(`${pact}/tasks/${task.body.id}/claim`)))
  for (const [i, { status: code, body }] of answers.entries()) {
    const words = code === 200 ? 'it is yours' : `${body.error}: ${body.message}`
    say(i === 0 ? 'A' : 'B', `PUT …/claim  →  ${code} ${words}`)
  }
  const codes = answers.map(answer => answer.status)
  assert.deepEqual([...codes].sort(), [200, 409], 'exactly one claim succeeds and the other is refused')
  const winner = codes[0] === 200 ? 'A' : 'B'
  for (const daemon of [a, b]) {
    const claimed = await eventually('both sides name the winner', async () => {
      const { body } = await daemon.get<Task>(`${pact}/tasks/${task.body.id}`)
      return body.claimed_by ? body : null
    })
    assert.equal(machines[claimed.claimed_by ?? ''], winner)
  }
  say(' ', `both machines say: claimed by ${winner}`)
}

try {
  console.log('OpenPact: two machines, one ledger. Real processes on a private network of this computer.')
  const network = await startNetwork()
  closers.push(() => network.close())
  await story(network)
  step('Everything held.')
} catch (error) {
  console.error(`\nThe demo failed: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  for (const close of closers.reverse()) await close()
}
