/** The questions of `openpact triggers approve`, asked of somebody at a terminal. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestDaemon } from '../../test/support/daemon.ts'
import { Programs } from '../../test/support/trigger-programs.ts'

let programs: Programs
let daemon: TestDaemon

beforeAll(async () => {
  programs = new Programs()
  programs.agent('claude', '')
  const trigger = { id: 'asked', match: { type: 'task', status: 'open' }, run: 'claude -p "Do it."' }
  const dataDir = programs.dataDir(trigger)
  daemon = await TestDaemon.start({ dataDir, args: ['--first-pact'] })
})
afterAll(async () => {
  await daemon?.dispose()
  programs?.dispose()
})

const CTRL_C = '\u0003'

/** Answers each question as it comes; the input ends when there is no answer left. A pipe that says it is a terminal: what follows from that is what is tested. */
function dialogue(...answers: string[]): Promise<{ code: number | null; said: string }> {
  const terminal = 'data:text/javascript,process.stdin.isTTY=process.stderr.isTTY=true'
  const main = join(process.cwd(), 'dist/cli/main.js')
  const args = ['--import', terminal, main, 'triggers', 'approve', 'asked', ...daemon.flags()]
  const child = spawn(process.execPath, args, { stdio: 'pipe' })
  let said = ''
  let asked = 0
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      said += text
      for (const questions = said.match(/(nobody else|\[y\/N\])[:?]? /g) ?? []; asked < questions.length; asked++) {
        const answer = answers[asked]
        if (answer === undefined) child.stdin.end()
        else child.stdin.write(answer === CTRL_C ? answer : `${answer}\n`)
      }
    })
  return new Promise(resolve => {
    child.once('close', code => resolve({ code, said }))
  })
}

const state = async () => (await daemon.get<{ entries: { state: string }[] }>('/v1/triggers')).body.entries[0]

test('no answer, or any but yes, approves nothing', async () => {
  for (const answers of [[], [''], ['', ''], ['', 'n'], ['', 'maybe'], [CTRL_C], ['', CTRL_C]]) {
    const { code, said } = await dialogue(...answers)
    expect(said).toContain('Do it.')
    expect(said).toContain('[INTERRUPTED]')
    expect(code).toBe(7)
    expect(await state()).toMatchObject({ state: 'unapproved' })
  }
})

test('whom else it fires for is shown before the last question, and is what is approved', async () => {
  const wrong = await dialogue('nobody-at-all', 'y')
  expect(wrong.code).not.toBe(0)
  expect(await state()).toMatchObject({ state: 'unapproved' })

  const { code, said } = await dialogue('role:admin', 'y')
  expect(code).toBe(0)
  const [before, after] = said.split('[y/N]')
  for (const part of [before, after]) expect(part).toContain('admin')
  expect(await state()).toMatchObject({ state: 'ready' })
})

test('answers that are pasted together are both heard; what was added before stays and is shown', async () => {
  const { code, said } = await dialogue('role:member\ny')
  expect(code).toBe(0)
  // A prompt is written again when a line comes in before it.
  const parts = said.split('[y/N]')
  for (const part of [parts[0], parts.at(-1)])
    for (const role of ['admin', 'member']) expect(part).toContain(`role ${role} in`)
})

test('who was added before stays with "nobody else", and goes with a flag that shows who goes', async () => {
  const kept = await dialogue('', 'y')
  expect(kept.code).toBe(0)
  for (const part of kept.said.split('[y/N]')) expect(part).toContain('role member in')
  const dropped = await daemon.command('triggers', 'approve', 'asked', '--nobody-else')
  expect(dropped.stdout).toMatch(/no_longer_for.*role admin in/s)
  expect(dropped.stdout).toContain('--nobody-else')

  // Only shown, nothing has changed; with the hash it is in force.
  const hash = /--hash ([0-9a-f]{64})/.exec(dropped.stdout)![1]!
  const fires = async () => (await daemon.command('triggers', 'approve', 'asked')).stdout.match(/role \w+ in/g)
  expect(await fires()).toEqual(['role admin in', 'role member in'])
  const approved = await daemon.command('triggers', 'approve', 'asked', '--hash', hash)
  expect([approved.code, await fires()]).toEqual([0, ['role admin in', 'role member in']])
  const narrowed = await daemon.command('triggers', 'approve', 'asked', '--hash', hash, '--nobody-else')
  expect([narrowed.code, await fires()]).toEqual([0, null])
  expect(await state()).toMatchObject({ state: 'ready' })
})
