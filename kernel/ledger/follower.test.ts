import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Checkpoint } from '../pact.ts'
import { deltaOf, RecentRecords } from './follower.ts'
import { decodeRecord, encodeRecord, ZERO } from './record.ts'

let dir: string
let store: Corestore
let log: Hypercore

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openpact-follower-'))
  store = new Corestore(dir)
  log = store.get({ name: 'log' })
  await log.ready()
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** Blocks of a history: each text is one entry of one writer. */
function blocks(texts: string[]): Buffer[] {
  let chain: Buffer = ZERO
  return texts.map((text, i) => {
    const judged = {
      writer: Buffer.alloc(32, 7),
      n: i + 1,
      verdict: 'malformed',
      bytes: Buffer.from(text),
      entry: null,
    }
    const record = encodeRecord(judged, chain)
    chain = record.chain
    return record.block
  })
}

const checkpoint = (all: Buffer[], position: number): Checkpoint => ({
  position,
  chain: decodeRecord(position - 1, all[position - 1] as Buffer).chain,
})

/** A ring that holds a whole history, as apply would have left it. */
function recentOf(all: Buffer[]): RecentRecords {
  const recent = new RecentRecords()
  for (const [position, block] of all.entries()) recent.add(decodeRecord(position, block))
  return recent
}

const was = blocks(['a', 'b', 'mine'])
const is = blocks(['a', 'b', 'theirs', 'mine', 'more'])

test('what apply wrote is not believed where the log says otherwise', async () => {
  // A fast-forward replaced the history without apply; the ring still knows only the former one.
  await log.append(is)
  for (const known of [[checkpoint(was, 3), checkpoint(was, 2)], [checkpoint(was, 2)]]) {
    const delta = await deltaOf(log, log.signedLength, recentOf(was), known, 10)
    expect(delta).toMatchObject({ common: 2, length: 5, missing: false })
    expect(delta.records.map(r => r.chain)).toEqual(is.slice(2).map((b, i) => decodeRecord(i, b).chain))
  }
})

test('a former history of the same length is noticed', async () => {
  await log.append(is.slice(0, 3))
  const delta = await deltaOf(log, log.signedLength, recentOf(was), [checkpoint(was, 3), checkpoint(was, 2)], 10)
  expect(delta).toMatchObject({ common: 2, length: 3 })
  expect(delta.records[0]?.chain.equals(checkpoint(is, 3).chain)).toBe(true)
})

test('what apply wrote and the log holds is taken from memory', async () => {
  await log.append(is)
  const recent = recentOf(is)
  const delta = await deltaOf(log, log.signedLength, recent, [checkpoint(is, 2)], 2)
  expect(delta).toMatchObject({ common: 2, length: 5, missing: false })
  expect(delta.records).toEqual([recent.get(2), recent.get(3)])
  expect(delta.records[0]).toBe(recent.get(2))
})

test('nothing new, a shorter log, and no checkpoint at all', async () => {
  await log.append(is.slice(0, 2))
  expect(await deltaOf(log, log.signedLength, recentOf(is), [checkpoint(is, 2)], 10)).toMatchObject({
    common: 2,
    records: [],
  })
  expect(await deltaOf(log, log.signedLength, recentOf(is), [checkpoint(is, 4), checkpoint(is, 1)], 10)).toMatchObject({
    common: 1,
  })
  expect((await deltaOf(log, log.signedLength, new RecentRecords(), [], 10)).records).toHaveLength(2)
})

test('while a block is missing nothing is called common or confirmed', async () => {
  await log.append(is)
  await log.clear(2)
  const delta = await deltaOf(log, log.signedLength, new RecentRecords(), [checkpoint(was, 3), checkpoint(was, 2)], 10)
  expect(delta).toMatchObject({ common: 3, confirmed: 0, records: [], missing: true })
})

test('where the log was found to agree, it is asked again once apply writes below', async () => {
  await log.append(was)
  const recent = recentOf(was)
  const from = [{ position: 0, chain: ZERO }]
  const told = () =>
    deltaOf(log, log.signedLength, recent, from, 10).then(({ records }) => records.map(({ chain }) => chain))
  const before = await told()
  expect(await told()).toEqual(before)
  // A reorder is being applied and not yet in the log.
  recent.add(decodeRecord(2, is[2] as Buffer))
  expect(await told()).toEqual(before)
  await log.truncate(2)
  await log.append(is.slice(2, 3))
  expect(await told()).toEqual([...before.slice(0, 2), checkpoint(is, 3).chain])
})
