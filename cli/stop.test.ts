import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { startNetwork, TestDaemon } from '../test/support/daemon.ts'
import { endProcess } from './commands/stop.ts'

it('ends a daemon that is halted, which is said once to who asks it, and what it acknowledged is there again', async () => {
  const network = await startNetwork()
  const daemon = await TestDaemon.start({ network })
  try {
    await daemon.post('/v1/pacts', { name: 'Kept', alias: 'kept' })
    process.kill(daemon.pid, 'SIGSTOP')
    const command = [join(import.meta.dirname, '..', 'dist', 'cli', 'main.js'), 'task', 'list', ...daemon.flags()]
    // It asks for its commands for 5 s, then for the tasks.
    const { stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', timeout: 11_500 })
    expect(stderr.match(/does not answer/g)).toHaveLength(1)
    expect(await daemon.command('stop')).toMatchObject({ code: 0, stdout: `Stopped (process ${daemon.pid}).\n` })
    await daemon.start()
    expect((await daemon.get('/v1/pacts/kept')).status).toBe(200)
  } finally {
    await daemon.dispose()
    await network.close()
  }
}, 60_000)

it('kills one that hears nothing, and says so', async () => {
  const deaf = spawn(process.execPath, ['-e', `process.on('SIGTERM', () => {}); process.send(0); for (;;) {}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = new Promise(resolve => {
    deaf.once('exit', (_code, signal) => resolve(signal))
  })
  await new Promise(resolve => {
    deaf.once('message', resolve)
  })
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    await endProcess(deaf.pid ?? 0, 300)
    expect(said).toHaveBeenCalledWith(expect.stringContaining('is killed; nothing that was acknowledged is lost'))
  } finally {
    said.mockRestore()
  }
  expect(await ended).toBe('SIGKILL')
})
