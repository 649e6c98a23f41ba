/** Ten daemons with the same trigger: one run per task, also when the daemon that runs it is killed. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bornOf } from '../../plugins/triggers/processes.ts'
import { eventually, startNetwork, TestDaemon } from '../support/daemon.ts'
import { Programs } from '../support/trigger-programs.ts'
import type { Outcome } from './run.ts'

const DAEMONS = 10
const KILLS = 2
const PACT = '/v1/pacts/soak'
/** ms for a task to be complete; after a kill its lease of 40 s has to end first. */
const PATIENCE = 60_000
const LEASE = 90_000

interface Run {
  key: string
  task: string | null
  state: string
  reason: string | null
}

/** @param rounds tasks, one after the other */
export async function triggers(seed: number, rounds: number, progress: (line: string) => void): Promise<Outcome> {
  const started = performance.now()
  const faults: string[] = []
  const programs = new Programs()
  // Says that it works, and completes its task; of a task called "hang" only the second that tries does.
  programs.agent(
    'worker',
    `const { appendFileSync, readFileSync } = require('node:fs')
    const { title } = JSON.parse(readFileSync(env.OPENPACT_EVENT_FILE, 'utf8')).data.entry.payload
    appendFileSync(env.OUT + '/worked', env.OPENPACT_TASK + ' ' + env.OPENPACT_RUN_KEY + ' ' + process.pid + ' ' + env.OPENPACT_HOME + '\\n')
    const tries = readFileSync(env.OUT + '/worked', 'utf8').split('\\n').filter(line => line.startsWith(env.OPENPACT_TASK + ' '))
    if (title === 'hang' && tries.length === 1) return setInterval(() => {}, 1000)
    const { status } = await ask('PUT', pact + '/tasks/' + env.OPENPACT_TASK + '/complete', { result: 'done' })
    process.exit(status === 200 ? 0 : 1)`,
  )
  const network = await startNetwork()
  const daemons: TestDaemon[] = []
  let kills = 0
  try {
    for (let i = 0; i < DAEMONS; i++) daemons.push(await startOne(programs, i, network))
    const [founder, ...others] = daemons as [TestDaemon, ...TestDaemon[]]
    await founder.post('/v1/pacts', { name: 'soak', alias: 'soak' })
    for (const other of others) {
      const { body } = await founder.post<{ token: string }>(`${PACT}/invites`, {})
      const joined = await other.post('/v1/pacts/join', { token: body.token, alias: 'soak' })
      if (joined.status >= 300) throw new Error(`joining: ${JSON.stringify(joined.body)}`)
    }
    const worked = (task: string) => programs.lines('worked').filter(line => line.startsWith(`${task} `))
    for (let round = 0; round < rounds; round++) {
      const task = await create(daemons[round % DAEMONS] as TestDaemon, `task ${seed}-${round}`)
      await complete(founder, task, PATIENCE)
      if (worked(task).length !== 1) faults.push(`${task} was worked on ${worked(task).length} times`)
      if (round % 10 === 9) progress(`${round + 1} tasks`)
    }
    // Without the founder, the only indexer, nobody could take a task over.
    await founder.post('/v1/triggers/pause', { id: 'soak' })
    for (; kills < KILLS; kills++) {
      const task = await create(founder, 'hang')
      await eventually('somebody works on it', async () => worked(task).length === 1, PATIENCE)
      // Others may be running too as far as they know, while their claims wait to be confirmed.
      const home = worked(task)[0]?.split(' ')[3]
      const running = others.find(({ dataDir }) => dataDir === home) as TestDaemon
      await running.kill9()
      await complete(founder, task, LEASE)
      await running.start()
      const [first, second, ...more] = worked(task).map(line => line.split(' '))
      if (more.length > 0) faults.push(`${task} was worked on again after it was complete`)
      if (first?.[1] !== second?.[1]) faults.push(`${task} had two keys: ${first?.[1]} and ${second?.[1]}`)
      await eventually('what was left is ended', async () => bornOf(Number(first?.[2])) === null)
      await eventually('it knows', async () => (await runOf(running, task))?.state === 'skipped', PATIENCE)
      progress(`killed a daemon in the middle of ${task}; it was taken over`)
    }
    for (const [number, daemon] of daemons.entries()) {
      const { body } = await daemon.get<{ entries: Run[] }>('/v1/triggers/history?limit=1000')
      for (const { task, state, reason } of body.entries)
        if (
          !['succeeded', 'skipped', 'interrupted', 'pending'].includes(state) ||
          (state === 'pending' && daemon !== founder)
        )
          faults.push(`daemon ${number}: the run for ${task} is ${state}: ${reason}`)
    }
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error))
  } finally {
    await Promise.all(daemons.map(daemon => daemon.dispose()))
    await network.close()
    programs.dispose()
  }
  const ms = Math.round(performance.now() - started)
  const none = { closes: 0, reverts: 0, nudges: 0, repairs: 0, waits: 0 }
  return { seed, faults, entries: rounds + kills, kills, ...none, ms, kept: null }
}

async function startOne(programs: Programs, number: number, network: Awaited<ReturnType<typeof startNetwork>>) {
  const dataDir = programs.path(`daemon-${number}`)
  await mkdir(dataDir, { mode: 0o700 })
  const trigger = {
    id: 'soak',
    match: { type: 'task', status: 'open' },
    trust: { roles: ['admin', 'member'] },
    run: 'worker',
    once: true,
    approve: 'never',
    limits: { timeout: '5s', rate: '1000/m', daily: 10_000 },
    env: { set: { OUT: programs.dir } },
  }
  await writeFile(join(dataDir, 'triggers.yaml'), JSON.stringify([trigger]), { mode: 0o600 })
  return TestDaemon.start({ dataDir, network })
}

async function create(daemon: TestDaemon, title: string): Promise<string> {
  const { status, body } = await daemon.post<{ id: string }>(`${PACT}/tasks`, { title })
  if (status !== 201) throw new Error(`creating a task: ${JSON.stringify(body)}`)
  return body.id
}

function complete(daemon: TestDaemon, task: string, limit: number): Promise<boolean> {
  const done = async () => (await daemon.get<{ status: string }>(`${PACT}/tasks/${task}`)).body.status === 'complete'
  return eventually(`${task} is complete`, done, limit) as Promise<boolean>
}

async function runOf(daemon: TestDaemon, task: string): Promise<Run | undefined> {
  const { body } = await daemon.get<{ entries: Run[] }>('/v1/triggers/history?limit=20')
  return body.entries.find(run => run.task === task)
}
