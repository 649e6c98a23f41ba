import { EventEmitter } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OwnTail } from './own-tail.ts'
import { bootId, ShutdownMark } from './shutdown-mark.ts'
import type { Base } from './views.ts'

const ada = 'aa'.repeat(32)
const bob = 'bb'.repeat(32)
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openpact-tail-'))
  vi.useFakeTimers()
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true, force: true })
})

/** An own core of which five blocks are here and eight are known, after a power loss with `doubt` (Noise keys) to be asked. */
async function tailOf(doubt: string[]) {
  await writeFile(join(folder, 'met.json'), JSON.stringify({ boot: 'before', met: doubt, doubt: [], whole: null }))
  const mark = new ShutdownMark(folder)
  const held = (peers: object[]) => ({ peers, setActive() {} })
  const local = {
    ...held([]),
    key: Buffer.alloc(32, 1),
    length: 8,
    contiguousLength: 5,
    has: async (start: number, end = start + 1) => end <= 5,
    // Ends when it is given up.
    download() {
      let destroy = () => {}
      const done = new Promise<void>(resolve => {
        destroy = resolve
      })
      return { done: () => done, destroy: () => destroy() }
    },
  }
  const core = held([])
  const base = { local, core, held: false }
  const reopen = vi.fn()
  const removed = new Set<string>()
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const tail = new OwnTail(base as unknown as Base, mark, {
    standing: async noise => (removed.has(noise.toString('hex')) ? 'removed' : 'member'),
    reopen,
    rotating: async () => 'it waits for a seat',
    pact: () => 'test',
    log: silent,
  })
  await tail.start()
  /** A machine that knows of eight blocks and has those of `blocks`. Returns its cut. */
  const meet = (noise: string, blocks: number[] = []) => {
    const stream = {}
    const remoteBitfield = { get: (index: number) => blocks.includes(index) }
    const peer = { stream, remoteSynced: true, remoteLength: 8, remoteContiguousLength: 5, remoteBitfield }
    local.peers.push(peer)
    core.peers.push({ stream, remoteSynced: true })
    const left = tail.meet(stream, noise)
    return () => {
      left()
      local.peers = local.peers.filter(each => each !== peer)
    }
  }
  return { tail, mark, reopen, removed, meet }
}

const minute = () => vi.advanceTimersByTimeAsync(60_000)

test('the own core is given up when every machine in doubt was asked and has none of what is missing', async () => {
  const { tail, mark, reopen, meet } = await tailOf([ada, bob])
  meet(ada)
  await minute()
  // Ada alone says nothing about Bob.
  expect(reopen).not.toHaveBeenCalled()
  meet(bob)
  await minute()
  expect(reopen).toHaveBeenCalledOnce()
  expect(mark.lost).toBe('01'.repeat(32))
  expect(await tail.obstacle()).toMatch(/nobody has.*waits for a seat/)
  expect(new ShutdownMark(folder)).toMatchObject({ lost: mark.lost, doubt: new Set([ada, bob]) })
  await tail.close()
})

test('it is not given up while one of them left before it could be asked for long enough', async () => {
  const { tail, mark, reopen, removed, meet } = await tailOf([ada, bob])
  const cut = meet(bob)
  await vi.advanceTimersByTimeAsync(1_000)
  cut()
  meet(ada)
  await minute()
  expect(mark.lost).toBeNull()
  expect(reopen).not.toHaveBeenCalled()
  // Retired: it never comes back.
  removed.add(bob)
  await minute()
  expect(mark.lost).not.toBeNull()
  await tail.close()
})

test('what one of them has and does not send is asked for once more by a ledger that is opened anew; it is not given up', async () => {
  const { tail, mark, reopen, meet } = await tailOf([ada, bob])
  meet(ada)
  meet(bob, [6])
  await vi.advanceTimersByTimeAsync(6_000)
  expect(reopen).not.toHaveBeenCalled()
  await minute()
  expect(reopen).toHaveBeenCalledTimes(1)
  expect(mark.lost).toBeNull()
  await tail.close()
})

test('a pact that closes while it asks is not opened again', async () => {
  const { tail, reopen, meet } = await tailOf([ada])
  meet(ada)
  await vi.advanceTimersByTimeAsync(1_000)
  const closed = tail.close()
  await minute()
  await closed
  expect(reopen).not.toHaveBeenCalled()
})

test('nothing is appended before all that was fetched back is in the view', async () => {
  const earlier = { boot: bootId(), met: [], doubt: [ada], whole: 8 }
  await writeFile(join(folder, 'met.json'), JSON.stringify(earlier))
  const mark = new ShutdownMark(folder)
  const local = { key: Buffer.alloc(32, 1), length: 8, contiguousLength: 8 }
  // Its sixth block refers to an entry of another machine that is not here.
  const base = Object.assign(new EventEmitter(), { local, localWriter: { length: 5, isRemoved: false }, held: false })
  const host = {} as ConstructorParameters<typeof OwnTail>[2]
  const tail = new OwnTail(base as unknown as Base, mark, host)
  await tail.start()
  base.emit('update')
  expect(base.held).toBe(true)
  expect(await tail.obstacle()).toMatch(/refer to some of others/)
  base.localWriter.length = 8
  base.emit('update')
  expect(base.held).toBe(false)
  expect(await tail.obstacle()).toBeNull()
})
