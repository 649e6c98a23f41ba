import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OpenPactError } from '../errors.ts'
import { openLog } from './log.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'openpact-log-'))
})
afterAll(() => rm(root, { recursive: true }))

function capture(level?: 'debug' | 'info' | 'warn' | 'error') {
  const lines: Record<string, unknown>[] = []
  const text: string[] = []
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) && text.push(line) }
  return { log: openLog({ stream, ...(level && { level }) }), lines, text }
}

test('one line of JSON for each message, with level and plugin', () => {
  const { log, lines, text } = capture()
  log.info('started', { port: 1 })
  log.child('tasks').warn('odd\nthing')
  expect(lines).toMatchObject([
    { level: 'info', message: 'started', port: 1 },
    { level: 'warn', plugin: 'tasks', message: 'odd\nthing' },
  ])
  expect(new Date(String(lines[0]?.time)).getTime()).toBeGreaterThan(0)
  for (const line of text) expect(line).toMatch(/^[^\n]+\n$/)
})

test('what is below the level is left out', () => {
  const { log, lines } = capture('warn')
  log.debug('a')
  log.info('b')
  log.warn('c')
  log.child('p').error('d')
  expect(lines.map(l => l.message)).toEqual(['c', 'd'])
})

test('objects are not written out, so no entry gets into the log; fields cannot pose as the head', () => {
  const { log, text, lines } = capture()
  const entry = { payload: 'secret text' }
  log.info('x', { entry, list: [entry, 1], deep: { a: { b: 'secret text' } }, long: 'y'.repeat(5000), level: 'error' })
  expect(text[0]).not.toContain('secret')
  expect(lines[0]).toMatchObject({ entry: '[object]', list: ['[object]', 1], level: 'info' })
  expect(String(lines[0]?.long)).toHaveLength(1000)
  log.info('y', { key: Buffer.from([1, 255]), big: 10n, fn: () => 1, none: undefined, nothing: null })
  expect(lines[1]).toMatchObject({ key: '01ff', big: '10', fn: '[function]', nothing: null })
})

test('what a parser quotes is left out', () => {
  const { log, lines, text } = capture()
  try {
    JSON.parse('what somebody wrote')
  } catch (error) {
    log.error('failed', { error: new Error('outer', { cause: error }) })
  }
  expect(text[0]).not.toMatch(/somebody|"what/)
  expect(lines[0]).toMatchObject({
    error: { cause: { message: 'SyntaxError', stack: expect.stringContaining('log.test') } },
  })
})

test('errors keep code or stack, and their causes', () => {
  const { log, lines } = capture()
  log.error('failed', { error: new OpenPactError('DISK_FULL', {}, { cause: new Error('inner') }) })
  const error = lines[0]?.error as { code: string; cause: { message: string; stack: string } }
  expect(error).toMatchObject({ code: 'DISK_FULL', cause: { message: 'inner' } })
  expect(error.cause.stack).toContain('log.test')
})

test('a full file is moved aside, and four are kept, none of them larger than the limit', async () => {
  const file = join(root, 'daemon.log')
  const log = openLog({ file, size: 1000 })
  for (let i = 0; i < 100; i++) log.info('message', { i })
  log.close()
  expect((await readdir(root)).sort()).toEqual([
    'daemon.log',
    'daemon.log.1',
    'daemon.log.2',
    'daemon.log.3',
    'daemon.log.4',
  ])
  const numbers: number[] = []
  for (const name of ['daemon.log.4', 'daemon.log.3', 'daemon.log.2', 'daemon.log.1', 'daemon.log']) {
    const text = await readFile(join(root, name), 'utf8')
    expect(text.length).toBeLessThanOrEqual(1000)
    numbers.push(
      ...text
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).i as number),
    )
  }
  expect(numbers.at(-1)).toBe(99)
  expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i))
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('a file is continued after a restart', async () => {
  const file = join(root, 'again.log')
  for (const i of [1, 2]) {
    const log = openLog({ file })
    log.info('start', { i })
    log.close()
  }
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  expect(lines.map(line => JSON.parse(line).i)).toEqual([1, 2])
})

test('a disk that is full, or a folder that is gone, stops nobody', () => {
  for (const file of ['/dev/full', join(root, 'gone', 'daemon.log')]) {
    const log = openLog({ file })
    log.info('nobody hears this')
    log.close()
  }
})
