import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import './errors.ts'
import { placeOf, runningDaemon } from './place.ts'
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
