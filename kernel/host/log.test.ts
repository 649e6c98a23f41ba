import { expect, test } from 'vitest'
import { OpenPactError } from '../errors.ts'
import { openLog } from './log.ts'

function capture(level?: 'debug' | 'info' | 'warn' | 'error') {
  const lines: Record<string, unknown>[] = []
  const text: string[] = []
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) && text.push(line) }
  return { log: openLog({ streams: [stream], ...(level && { level }) }), lines, text }
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
