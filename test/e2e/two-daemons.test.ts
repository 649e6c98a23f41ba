/** Two daemons on one pact: a hundred claims raced by both, and what B shows while A, the only indexer, is off. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventually, Pair, type TestDaemon } from '../support/daemon.ts'

// Each test starts several processes; a busy machine is given time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

interface Task {
  id: string
  status: string
  claimed_by: string | null
}

const races = 100
const atOnce = 10
const { pact } = Pair

let pair: Pair
let a: TestDaemon
let b: TestDaemon
beforeAll(async () => {
  pair = await Pair.start()
  ;({ a, b } = pair)
})
afterAll(() => pair?.dispose())

describe('two daemons', () => {
  it(`race for ${races} tasks: one is told yes each time, and it is the one both name`, async () => {
    const machines = [a, b]
    const handles = await Promise.all(machines.map(handle))
    const tasks = await Promise.all(Array.from({ length: races }, (_, i) => addTask(`race ${i}`)))
    for (const id of tasks)
      await eventually('B knows the task', async () => (await b.get(`${pact}/tasks/${id}`)).status === 200)
    const wins = [0, 0]
    for (let i = 0; i < races; i += atOnce) {
      await Promise.all(
        tasks.slice(i, i + atOnce).map(async id => {
          const answers = await Promise.all(machines.map(daemon => daemon.put(`${pact}/tasks/${id}/claim`)))
          const codes = answers.map(answer => answer.status)
          expect([...codes].sort()).toEqual([200, 409])
          const winner = codes.indexOf(200)
          wins[winner] = (wins[winner] ?? 0) + 1
          for (const daemon of machines) {
            const named = await eventually('a winner is named', async () => (await task(daemon, id)).claimed_by)
            expect(named).toBe(handles[winner])
          }
        }),
      )
    }
    expect((wins[0] ?? 0) + (wins[1] ?? 0)).toBe(races)
  })

  it('say so on B while A, the only indexer, is off: claims stay open, knowledge goes on, nothing is lost', async () => {
    const id = await addTask('claimed in the dark')
    await eventually('B knows the task', async () => (await b.get(`${pact}/tasks/${id}`)).status === 200)
    await a.stop()
    const waiting = await eventually('B notices', async () => {
      const { body } = await b.get<{ waiting: string }>(`${pact}/status`)
      return body.waiting
    })
    expect(waiting).toMatch(/only indexer .* is not reachable/)
    const claim = await b.put(`${pact}/tasks/${id}/claim`, { timeout: 300 })
    expect(claim.status).toBe(202)
    const written = await b.post<{ id: string }>(`${pact}/knowledge`, { topic: 'dark', content: 'Written alone.' })
    expect(written.status).toBe(201)
    const doctor = await b.command('doctor')
    expect(doctor.stdout).toContain('which is not connected to this machine.')
    await a.start()
    await eventually('the claim is confirmed', async () => {
      const { status, claimed_by } = await task(a, id)
      return status === 'claimed' && claimed_by !== null
    })
    expect((await task(a, id)).claimed_by).toBe(await handle(b))
    await eventually(
      'A reads what B wrote',
      async () => (await a.get(`${pact}/entries/${written.body.id}`)).status === 200,
    )
  })
})

async function addTask(title: string): Promise<string> {
  const { status, body } = await a.post<Task>(`${pact}/tasks`, { title })
  expect(status).toBe(201)
  return body.id
}

async function task(daemon: TestDaemon, id: string): Promise<Task> {
  return (await daemon.get<Task>(`${pact}/tasks/${id}`)).body
}

async function handle(daemon: TestDaemon): Promise<string> {
  return (await daemon.get<{ peer_handle: string }>(`${pact}/status`)).body.peer_handle
}
