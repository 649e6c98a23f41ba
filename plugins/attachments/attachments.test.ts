/** Content beside the entries: real stores joined by pipes. The first peer founded the pact. */
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import Corestore from 'corestore'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type Group, group, type Peer } from '../../test/support/ledgers.ts'
import { onCores } from './attachments.ts'
import { ATTACHMENT_LIMIT } from './service.ts'

const { attach, held, read } = onCores
let members: Group
let source: Peer
let joiner: Peer
let late: Peer
const bytes = randomBytes(300_000)

beforeAll(async () => {
  members = await group(3)
  ;[source, joiner, late] = members.peers as [Peer, Peer, Peer]
})
afterAll(() => members.dispose())

test('what was attached is read back, is one core however often, and is encrypted', async () => {
  const ref = await attach(source.pact, bytes)
  expect(ref).toMatchObject({ length: bytes.length, hash: createHash('sha256').update(bytes).digest('hex') })
  expect(await attach(source.pact, bytes)).toEqual(ref)
  expect((await read(source.pact, ref, { timeout: 0 })).equals(bytes)).toBe(true)
  expect(await held(source.pact, ref)).toBe(true)
  const stranger = new Corestore(join(source.dir, 'stranger'))
  const core = stranger.get({ key: Buffer.from(ref.core, 'hex') })
  await core.ready()
  const streams = [stranger.replicate(true), source.pact.replicate(false)] as const
  for (const stream of streams) stream.on('error', () => {})
  streams[0].pipe(streams[1]).pipe(streams[0])
  // Who has no key of the pact gets blocks that say nothing.
  const block = (await core.get(0)) as Buffer
  expect(block.length).toBe(64 * 1024 + 8)
  expect(block.includes(bytes.subarray(0, 32))).toBe(false)
  await stranger.close()
})

test('whoever does not have it is told so; it is fetched with progress, and served on when its source is gone', async () => {
  const ref = await attach(source.pact, bytes)
  await expect(read(joiner.pact, ref, { timeout: 50 })).rejects.toMatchObject({
    code: 'ATTACHMENT_MISSING',
    details: { have: 0, of: 5 },
  })
  const seen: number[] = []
  // Asked for before anybody is there.
  const waiting = read(joiner.pact, ref, { timeout: null, progress: have => void seen.push(have) })
  const cut = connect(source.pact, joiner.pact)
  expect((await waiting).equals(bytes)).toBe(true)
  expect(seen).toEqual([1, 2, 3, 4, 5])
  await cut()
  expect(await held(joiner.pact, ref)).toBe(true)

  expect(await held(late.pact, ref)).toBe(false)
  const join = connect(joiner.pact, late.pact)
  expect((await read(late.pact, ref)).equals(bytes)).toBe(true)
  await join()
})

test('waiting ends when the caller goes away, and when the pact closes', async () => {
  const ref = await attach(source.pact, randomBytes(10))
  const gone = new AbortController()
  const waiting = read(joiner.pact, ref, { timeout: null, signal: gone.signal })
  gone.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'ATTACHMENT_MISSING' })
  const cut = read(late.pact, ref, { timeout: null })
  const { pact } = late
  await Promise.all([expect(cut).rejects.toMatchObject({ code: 'ATTACHMENT_MISSING' }), late.close()])
  await expect(read(pact, ref)).rejects.toMatchObject({ code: 'PACT_CLOSED' })
})

test('a core of another pact, or another core of this one, is refused without being asked for', async () => {
  const ref = await attach(source.pact, bytes)
  const other = await source.store.create({ name: 'other' })
  const foreign = await attach(other, bytes)
  await expect(read(source.pact, foreign)).rejects.toMatchObject({ code: 'ATTACHMENT_FOREIGN' })
  await expect(held(other, ref)).rejects.toMatchObject({ code: 'ATTACHMENT_FOREIGN' })
  const log = source.pact.base.view.log.key.toString('hex')
  await expect(read(source.pact, { ...ref, core: log })).rejects.toMatchObject({ code: 'ATTACHMENT_FOREIGN' })
  await expect(read(source.pact, { ...ref, core: '../x' })).rejects.toMatchObject({ code: 'ATTACHMENT_INVALID' })
})

test('what is not as announced is not handed out, and nothing larger than announced is fetched', async () => {
  const ref = await attach(source.pact, randomBytes(200_000))
  const otherHash = { ...ref, hash: 'a'.repeat(64) }
  await expect(read(source.pact, otherHash)).rejects.toMatchObject({ code: 'ATTACHMENT_CORRUPT' })
  const cut = connect(source.pact, joiner.pact)
  const smaller = { ...ref, length: 10 }
  await expect(read(joiner.pact, smaller)).rejects.toMatchObject({ code: 'ATTACHMENT_CORRUPT' })
  expect(await held(joiner.pact, ref)).toBe(false)
  await cut()
  for (const size of [0, ATTACHMENT_LIMIT + 1])
    await expect(attach(source.pact, Buffer.alloc(size))).rejects.toMatchObject({ code: 'ATTACHMENT_INVALID' })
})
