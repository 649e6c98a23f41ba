/** What verbs print for people, from a daemon to the terminal or the file behind a pipe. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openpact, TestDaemon } from '../test/support/daemon.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const offline = join(import.meta.dirname, '..', 'test', 'support', 'offline.config.json')

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await TestDaemon.start({ args: ['--first-pact', '--config', offline] })
})
afterAll(() => daemon.dispose())

/** Standard output of a command that succeeds. */
async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await openpact([...args, '--data-dir', daemon.dataDir])
  expect(code, stderr).toBe(0)
  return stdout
}

it('an inbox says that older messages are still on their way only while they are', async () => {
  expect(await said('inbox')).toMatch(/^Nothing found\.\n\nInbox of \S+\. If it is yours, .*\n$/)
})

it('an inbox names its mark in a command that takes it, for the pact that was looked at', async () => {
  const [, read = ''] = /`openpact (.*)`/.exec(await said('inbox', '--pact', 'first')) ?? []
  expect(read).toMatch(new RegExp(`^--data-dir ${daemon.dataDir} --pact first inbox read --up-to \\S+$`))
  expect((await openpact(read.split(' '))).code).toBe(0)
})

it('publishing a skill again says that nothing was published', async () => {
  const file = join(daemon.dataDir, 'skill.md')
  await writeFile(file, 'Do this.\n')
  const publish = (version: string, ...flags: string[]) =>
    said('skill', 'publish', 'x', version, file, '--description', 'd', ...flags)
  expect(await publish('1.0.0')).not.toContain('nothing was published')
  expect(await publish('1.0.0')).toMatch(/so nothing was published now\.\n$/)
  expect(JSON.parse(await publish('1.0.0', '--json'))).toMatchObject({ version: '1.0.0', repeated: true })
})

it('the content of a skill comes out of a pipe as it went in', async () => {
  const file = join(daemon.dataDir, 'odd.md')
  const content = '\ufeffno line end, \u001b[31m\u2603\t\r\n\n  x'
  await writeFile(file, content)
  await said('skill', 'publish', 'odd', '1.0.0', file, '--description', 'd')
  expect(await said('skill', 'content', 'odd')).toBe(content)
})
