/** A daemon that is killed in the middle of a run: a real process, with real programs that outlive it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, TestDaemon } from '../../test/support/daemon.ts'
import { Programs } from '../../test/support/trigger-programs.ts'
import { bornOf } from './processes.ts'

let programs: Programs
let daemon: TestDaemon

beforeAll(async () => {
  programs = new Programs()
  // The first time it ignores TERM, has children that do, one of them in a session of its own, and never ends; the second time it completes its task.
  programs.agent(
    'claude',
    `const { appendFileSync, existsSync } = require('node:fs')
    const second = existsSync(env.OUT + '/keys')
    appendFileSync(env.OUT + '/keys', env.OPENPACT_RUN_KEY + '\\n')
    if (second) return ask('PUT', pact + '/tasks/' + env.OPENPACT_TASK + '/complete', { result: 'after all' })
    process.on('SIGTERM', () => {})
    const begin = detached => require('node:child_process').spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { detached })
    appendFileSync(env.OUT + '/pids', [process.pid, begin(false).pid, begin(true).pid, ''].join('\\n'))
    setInterval(() => {}, 1000)`,
  )
  const trigger = {
    id: 'killed',
    match: { type: 'task', status: 'open' },
    run: 'claude -p "Complete it."',
    once: true,
    env: { set: { OUT: programs.dir } },
  }
  const plugins = [{ plugin: 'triggers', config: { grace_ms: 300 } }]
  const dataDir = programs.dataDir(trigger, { plugins })
  daemon = await TestDaemon.start({ dataDir, args: ['--first-pact'] })
})
afterAll(async () => {
  await daemon?.dispose()
  programs?.dispose()
})

test('ends what it left running when it is back, and begins again under the same key, its claim still its own', async () => {
  const shown = await daemon.command('triggers', 'approve', 'killed')
  expect(shown.stdout).toContain('Complete it.')
  const hash = /--hash ([0-9a-f]{64})/.exec(shown.stdout)?.[1]
  const approved = await daemon.command('triggers', 'approve', 'killed', '--hash', String(hash))
  expect(approved).toMatchObject({ code: 0, stdout: expect.stringContaining('every agent of your identity') })

  const { body } = await daemon.post<{ id: string }>('/v1/pacts/first/tasks', { title: 'survive' })
  await eventually('the run', async () => programs.lines('pids').length === 3)
  await daemon.kill9()
  const pids = programs.lines('pids').map(Number)
  expect(pids.map(pid => bornOf(pid) !== null)).toEqual([true, true, true])
  await daemon.start()
  const task = await eventually('the task', async () => {
    const { body: found } = await daemon.get<{ status: string }>(`/v1/pacts/first/tasks/${body.id}`)
    return found.status === 'complete' && found
  })
  expect(task).toMatchObject({ result: 'after all' })
  const [first, second, ...more] = programs.lines('keys')
  expect([second, more]).toEqual([first, []])
  expect(pids.map(bornOf)).toEqual([null, null, null])
  const run = await eventually('the end of the run', async () => {
    const { body: history } = await daemon.get<{ entries: { state: string }[] }>('/v1/triggers/history')
    return history.entries[0]?.state === 'succeeded' && history.entries
  })
  expect(run).toMatchObject([
    { key: first, attempt: 2, code: 0, task: body.id },
    { key: first, attempt: 1, code: null, ms: null, state: 'interrupted', reason: 'its daemon ended during it' },
  ])
  expect((await daemon.command('triggers', 'list')).stdout).toMatch(/killed\s+ready/)
})
