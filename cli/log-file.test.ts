import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogFile } from './log-file.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'openpact-log-'))
})
afterAll(() => rm(root, { recursive: true }))

test('a full file is moved aside, and four are kept, none of them larger than the limit', async () => {
  const file = join(root, 'daemon.log')
  const log = new LogFile(file, { size: 1000 })
  for (let i = 0; i < 100; i++) log.write(`${JSON.stringify({ message: 'one of a hundred lines', i })}\n`)
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
    const log = new LogFile(file)
    log.write(`${JSON.stringify({ i })}\n`)
    log.close()
  }
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  expect(lines.map(line => JSON.parse(line).i)).toEqual([1, 2])
})

test('a disk that is full, or a folder that is gone, stops nobody', () => {
  for (const file of ['/dev/full', join(root, 'gone', 'daemon.log')]) {
    const log = new LogFile(file)
    log.write('nobody hears this')
    log.close()
  }
})
