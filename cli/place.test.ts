import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDataDir } from '../kernel/host/data-dir.ts'
import './errors.ts'
import { placeOf, readToken, runningDaemon } from './place.ts'
import { Session } from './session.ts'

it('does not take a forbidden directory for a daemon that is down', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openpact-place-'))
  const own = process.geteuid?.() ?? 0
  try {
    expect(runningDaemon(placeOf(folder))).toBeNull()
    await chmod(folder, 0o000)
    // No mode keeps root out.
    if (own === 0) process.seteuid?.(65_534)
    expect(() => runningDaemon(placeOf(folder))).toThrow(
      expect.objectContaining({ code: 'PLACE_FORBIDDEN', kind: 'forbidden' }),
    )
  } finally {
    if (own === 0) process.seteuid?.(0)
    await rm(folder, { recursive: true, force: true })
  }
})

it('takes for the daemon only the process that holds the lock, whoever has its number now', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openpact-place-'))
  const place = placeOf(folder)
  const record = (pid: number) => writeFile(place.daemonFile, JSON.stringify({ pid, url: 'http://127.0.0.1:1' }))
  try {
    const dir = await openDataDir(folder)
    await record(process.pid)
    expect(runningDaemon(place)).toMatchObject({ pid: process.pid })
    // To ask does not take the lock, nor keep it.
    await expect(openDataDir(folder)).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' })
    for (const pid of [process.ppid, 1, 0, -1]) {
      await record(pid)
      expect(runningDaemon(place)).toBeNull()
    }
    await record(process.pid)
    await dir.release()
    // Killed: its record is still there, and so is a process of that number.
    expect(runningDaemon(place)).toBeNull()
    await (await openDataDir(folder)).release()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

it.each(['\u2603', 'two\nlines', 'two words'])('refuses a token that no header can hold: %j', token => {
  const before = process.env.OPENPACT_TOKEN
  try {
    process.env.OPENPACT_TOKEN = token
    expect(() => readToken(placeOf('/nowhere'))).toThrow(
      expect.objectContaining({ code: 'TOKEN_UNUSABLE', kind: 'unauthenticated' }),
    )
  } finally {
    if (before === undefined) delete process.env.OPENPACT_TOKEN
    else process.env.OPENPACT_TOKEN = before
  }
})

it('refuses a port that is none, whether or not it is needed', () => {
  expect(() => new Session({ port: '99999' })).toThrow(expect.objectContaining({ code: 'PORT_INVALID' }))
  expect(new Session({ port: '0' }).port()).toBe(0)
})

it('ends a process that code blocks, with words', () => {
  const watchdog = new URL('../dist/cli/watchdog.js', import.meta.url).href
  const code = `import { watchdog } from ${JSON.stringify(watchdog)}; await watchdog(100, 'too long\\n'); for (;;) {}`
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', timeout: 20_000 })
  expect(ended).toMatchObject({ signal: 'SIGKILL', stderr: 'too long\n' })
})
