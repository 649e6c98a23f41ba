import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Log, openLog } from '../kernel/host/log.ts'
import { openpact, temporaryDirectory } from '../test/support/daemon.ts'
import { LogFile } from './log-file.ts'

let dataDir: string
let file: LogFile
let log: Log

beforeAll(async () => {
  dataDir = await temporaryDirectory()
  await mkdir(join(dataDir, 'logs'))
  // About seven lines to a file.
  file = new LogFile(join(dataDir, 'logs', 'daemon.log'), { size: 700 })
  log = openLog({ level: 'debug', streams: [file] })
  for (let i = 0; i < 20; i++) log.child('tasks').info('number', { i })
  log.debug('small', {})
  log.warn('odd\u001b[2J', { reason: 'a\nb' })
})
afterAll(async () => {
  file.close()
  await rm(dataDir, { recursive: true })
})

test('the newest lines of a level come over all files, oldest first, with the daemon down', async () => {
  const run = (...args: string[]) => openpact(['logs', '--data-dir', dataDir, ...args])
  const [ten, debug] = await Promise.all([run('-n', '10'), run('--level', 'debug', '--json', '-n', '2')])
  const lines = ten.stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(10)
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}info {3}\[tasks\] number {2}i=11$/)
  expect(lines[9]).toMatch(/warn {3}odd\\x1b\[2J {2}reason=a \| b$/)
  const levels = debug.stdout.trimEnd().split('\n')
  expect(levels.map(line => JSON.parse(line).level)).toEqual(['debug', 'warn'])
})

test('where there is nothing to show, that is said', async () => {
  const run = (dir: string, ...args: string[]) => openpact(['logs', '--data-dir', dir, ...args])
  const [none, followed, quiet] = await Promise.all([
    run('/nonexistent'),
    run('/nonexistent', '--follow'),
    run(dataDir, '--level', 'error'),
  ])
  expect([none.code, none.stderr]).toEqual([4, expect.stringContaining('[LOG_NONE]')])
  expect(followed.code).toBe(4)
  expect(quiet.stdout).toBe('Nothing found.\n')
})

test('--follow goes on, also when the file is full and another one begins', async () => {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
  const child = spawn(process.execPath, [main, 'logs', '--data-dir', dataDir, '-f', '-n', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toContain('odd')
  const seen: string[] = []
  for (let i = 0; i < 12; i += 4) {
    for (let j = i; j < i + 4; j++) log.info('later', { i: j })
    for (let j = i; j < i + 4; j++) seen.push(String((await lines.next()).value).replace(/.*i=/, ''))
  }
  expect(seen).toEqual(Array.from({ length: 12 }, (_, i) => String(i)))
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
