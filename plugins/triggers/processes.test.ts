/** What is asked of `ps` where there is no /proc. This machine's own `ps` answers, whatever system it is. */
import childProcess, { spawn } from 'node:child_process'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bootId } from '../../kernel/index.ts'
import { bornOf, endGroup, endOrphan, groupRuns } from './processes.ts'

const { platform } = process
beforeEach(() => {
  Object.defineProperty(process, 'platform', { value: 'darwin' })
})
afterEach(() => {
  Object.defineProperty(process, 'platform', { value: platform })
})

async function group() {
  const leader = spawn('sh', ['-c', 'sleep 60 & echo begun; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(leader.stdout!, 'data')
  return { pid: leader.pid!, exit: once(leader, 'exit') }
}

test('a process is known by its start, and its group is ended with all that is in it', async () => {
  const { pid, exit } = await group()
  const born = bornOf(pid)
  expect(born).toMatch(/^[\w:-]+ \w{3} \w{3} \d+ \d\d:\d\d:\d\d \d{4}$/)
  expect(await endOrphan(pid, `${bootId()} Thu Jan 1 00:00:00 1970`, 100)).toBe(false)
  expect([bornOf(pid), groupRuns(pid)]).toEqual([born, true])
  await endGroup(pid, 2000)
  await exit
  expect([bornOf(pid), groupRuns(pid)]).toEqual([null, false])
})

test.each([platform, 'darwin'])(
  'of an earlier boot nothing is ended, and of this one what outlived its leader (%s)',
  async system => {
    Object.defineProperty(process, 'platform', { value: system })
    const { pid, exit } = await group()
    const born = bornOf(pid)!
    const [boot, ...start] = born.split(' ')
    const earlier = [boot!.replace(/^\w/, digit => (digit === '0' ? '1' : '0')), ...start].join(' ')
    for (const other of [earlier, start.join(' '), ` ${start.join(' ')}`, ''])
      expect(await endOrphan(pid, other, 100), other).toBe(false)
    process.kill(pid, 'SIGKILL')
    await exit
    for (const other of [earlier, start.join(' '), ` ${start.join(' ')}`, ''])
      expect(await endOrphan(pid, other, 100), other).toBe(false)
    expect([bornOf(pid), groupRuns(pid)]).toEqual([null, true])
    expect(await endOrphan(pid, born, 2000)).toBe(true)
    expect(groupRuns(pid)).toBe(false)
  },
)

test('each column has a flag of its own, and times do not follow the zone of the clock', () => {
  const asked = vi.spyOn(childProcess, 'execFileSync')
  syncBuiltinESMExports()
  bornOf(process.pid)
  const [program, flags, options] = asked.mock.lastCall!
  asked.mockRestore()
  syncBuiltinESMExports()
  expect(program).toBe('ps')
  // A system that keeps to POSIX would take what follows the first "=" for a title.
  expect((flags as string[]).filter(flag => flag.includes('=') && !/^\w+=$/.test(flag))).toEqual([])
  expect(options).toMatchObject({ env: { TZ: 'UTC' } })
})
