/** The pacts that `init` makes, and which one is meant by the commands that are named afterwards. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openpact, temporaryDirectory } from '../test/support/daemon.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let dataDir: string
let run: (...args: string[]) => ReturnType<typeof openpact>
beforeAll(async () => {
  dataDir = await temporaryDirectory()
  const offline = join(import.meta.dirname, '..', 'test', 'support', 'offline.config.json')
  run = (...args) => openpact([...args, '--data-dir', dataDir, '--config', offline, '--port', '0'])
  await run('init')
  await run('start')
})
afterAll(async () => {
  await run('stop')
  await rm(dataDir, { recursive: true, force: true })
})

it('the first pact has the alias of the README; a second one wants a name, and is named where it is not the active one', async () => {
  const { entries } = JSON.parse((await run('list', '--json')).stdout) as { entries: object[] }
  expect(entries).toMatchObject([{ name: 'First pact', alias: 'first' }])
  const again = await run('init')
  expect([again.code, again.stderr]).toEqual([5, expect.stringMatching(/already: first\. \[PACT_UNNAMED\]\n.*--name/)])
  expect((await run('init', '--alias', 'other')).stdout).toContain('invite --pact other`')
})

it('an invite and a device link say into which pact they lead, and what comes next', async () => {
  const other = (await run('invite', '--pact', 'other')).stdout
  const [, token] = /^token: +(\S+)$/m.exec(other) ?? []
  expect(other).toContain(`into the pact "other" (alias other). On the other machine: openpact join ${token}\n`)
  expect((await run('device', 'link')).stdout).toMatch(/the pact "First pact" \(alias first\).*openpact join \S+\n$/)
})

it('a log with nothing in it says so', async () => {
  expect((await run('log', '--topic', 'nothing')).stdout).toBe('Nothing found.\n')
  expect((await run('log', '--topic', 'nothing', '--json')).stdout).toBe('')
})

it('OPENPACT_PACT names the pact where --pact names none', async () => {
  const name = async (...flags: string[]) => {
    const { stdout } = await openpact(['charter', '--json', '--data-dir', dataDir, ...flags], {
      OPENPACT_PACT: 'other',
    })
    return JSON.parse(stdout).charter.name
  }
  expect(await name()).toBe('other')
  expect(await name('--pact', 'first')).toBe('First pact')
})

it('a malformed token makes nothing in an empty directory', async () => {
  const fresh = join(dataDir, 'fresh')
  const { code, stderr } = await openpact(['join', 'xyz', '--data-dir', fresh])
  expect([code, stderr]).toEqual([2, expect.stringContaining('[INVITE_MALFORMED]')])
  expect(existsSync(fresh)).toBe(false)
})

it('changes are shown as the events that they are', async () => {
  await run('task', 'add', 'Look', '--topic', 'ops')
  const changes = await run('changes', '--type', 'task', '--status', 'open')
  expect(changes.stdout).toMatch(/^KIND +SUBJECT[^\n]*\ntask\.open +task +\S+ +ops +open\n$/)
  expect((await run('changes', '--limit', '1')).stdout).toMatch(/\n… more: --since \S+\n$/)
})
