import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { supervise } from './supervise.ts'

const dir = mkdtempSync(join(tmpdir(), 'openpact-supervise-'))
afterAll(() => rmSync(dir, { recursive: true }))

const run = (logFile: string) =>
  supervise({
    executable: process.execPath,
    argv: ['node', '-e', 'for (let i = 0; i < 2000; i++) console.log("said " + i)'],
    cwd: dir,
    env: {},
    marks: ['OPENPACT_RUN_KEY=of nobody'],
    input: null,
    logFile,
    timeout: 20_000,
    grace: 100,
    signal: new AbortController().signal,
    onstart() {},
  })

// A folder cannot be opened for writing; the disk behind /dev/full is always full.
test.each([dir, '/dev/full'].filter(existsSync))(
  'a log that cannot be written (%s) ends neither the run nor us',
  async log => {
    expect(await run(log)).toMatchObject({ how: 'ended', code: 0 })
  },
)
