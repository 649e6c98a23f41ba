/** What `openpact join` says while it waits, from a real daemon on a private DHT. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openpact, type PrivateNetwork, startNetwork, TestDaemon } from '../test/support/daemon.ts'
import { stillComing } from './commands/join.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

let network: PrivateNetwork
let founder: TestDaemon
let newcomer: TestDaemon
beforeAll(async () => {
  network = await startNetwork()
  founder = await TestDaemon.start({ network, args: ['--first-pact'] })
  newcomer = await TestDaemon.start({ network })
})
afterAll(async () => {
  await newcomer?.dispose()
  await founder?.dispose()
  await network?.close()
})

it('a join says that it looks for a member while none is there, and goes on by itself', async () => {
  const invited = await founder.post<{ token: string }>('/v1/pacts/first/invites', {})
  const join = (...flags: string[]) =>
    openpact(['join', invited.body.token, '--data-dir', newcomer.dataDir, '--alias', 'theirs', ...flags])
  await founder.stop()
  const alone = await join('--timeout', '4s')
  expect(alone.stderr).toMatch(/^Joining: looking for a member of the pact; one of them must be online \(\d s\)$/m)
  expect(alone.stderr).toContain('[JOIN_PENDING]')
  await founder.start()
  // The attempt may have come to its end before it is asked for again.
  const joined = await join()
  expect(joined.stdout, joined.stderr).toMatch(
    /^(Joined|This machine was in) the pact "First pact" .*\(alias theirs\)\.\n$/,
  )
})

it('a join that is done says how much of the history is still to come', () => {
  expect(stillComing({ contiguous: 1, length: 20_005, synced: false })).toContain('1 of 20005 entries are here')
  expect(stillComing({ contiguous: 5, length: 5, synced: true })).toBe('')
})
