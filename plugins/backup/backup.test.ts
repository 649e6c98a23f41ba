import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import IdentityKey from 'keet-identity-key'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyEntry } from '../../kernel/ledger/envelope.ts'
import { entryBytesOf } from '../../kernel/ledger/record.ts'
import { eventually, Machine, membership, Network } from '../../test/support/network.ts'
import events from '../events/index.ts'
import http from '../http/index.ts'
import knowledge from '../knowledge/index.ts'
import type { EntryView } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import tasks from '../tasks/index.ts'
import { readArchive } from './archive.ts'
import { decrypt, encrypt } from './cipher.ts'
import backup from './index.ts'
import { restoreArchive } from './restore.ts'
import { archiveName, ScheduledBackup } from './schedule.ts'

const plugins = [...membership, { plugin: http, config: { port: 0 } }, events, knowledge, tasks, backup]
const passphrase = 'correct horse battery'
const words = IdentityKey.generateMnemonic()
let net: Network
let other: Machine
let lost: Machine
let folder: string
let file: string
/** Ids of what the lost machine wrote. */
let fact = ''
let kept = ''
let task = ''

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error: { code: string }) => error.code,
  )
const record = async (machine: Machine, pact: string, content: string, refs: string[] = []) =>
  (await machine.get<{ id: string }>('knowledge.record', { topic: 'backups', content, refs }, pact)).id
const entry = (machine: Machine, pact: string, id: string) => machine.get<EntryView>('entries.get', { id }, pact)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openpact-backup-'))
  file = join(folder, 'one.backup')
  net = await Network.open(plugins)
  other = await net.founder()
  lost = await net.machine({ words })
  const { token } = await other.get<{ token: string }>('invites.create')
  await lost.ask('pacts.join', { token, alias: 'test' })
  await eventually(async () => (await lost.pact().status()).writable)
  fact = await record(lost, 'test', 'written on the lost machine')
  await lost.ask('pacts.create', { name: 'Alone', alias: 'alone' })
  kept = await record(lost, 'alone', 'nobody else has this')
  task = (await lost.get<{ id: string }>('tasks.create', { title: 'go on' }, 'alone')).id
  await lost.ask('tasks.claim', { id: task }, 'alone')
  expect(await lost.get('backup.create', { file, passphrase })).toMatchObject({ file, pacts: 2 })
  await lost.stop()
}, 60_000)
afterAll(async () => {
  await net.close()
  await rm(folder, { recursive: true, force: true })
})

test('an archive is verified without restoring it; a wrong passphrase and damage have their codes', async () => {
  const report = await readArchive(file, passphrase)
  expect(report.pacts.map(({ alias }) => alias).sort()).toEqual(['alone', 'test'])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const bytes = await readFile(file)
  for (const secret of [words, 'nobody else has this', other.pact().encryptionKey])
    expect(bytes.includes(secret)).toBe(false)
  expect(await code(readArchive(file, 'incorrect horse battery'))).toBe('PASSPHRASE_WRONG')
  expect(await code(readArchive(join(folder, 'none'), passphrase))).toBe('ARCHIVE_UNREADABLE')
  const spoilt = join(folder, 'spoilt')
  const altered = async (change: (copy: Buffer) => Buffer) => {
    await writeFile(spoilt, change(Buffer.from(bytes)))
    return code(readArchive(spoilt, passphrase))
  }
  const flipped = (at: number) => (copy: Buffer) => {
    copy[at]! ^= 1
    return copy
  }
  expect(await altered(() => Buffer.from('something else'))).toBe('ARCHIVE_UNKNOWN')
  expect(await altered(copy => copy.subarray(0, 40))).toBe('ARCHIVE_TRUNCATED')
  expect(await altered(copy => copy.subarray(0, -9))).toBe('ARCHIVE_DAMAGED')
  expect(await altered(flipped(bytes.length - 30))).toBe('ARCHIVE_DAMAGED')
  expect(await altered(flipped(20))).toBe('PASSPHRASE_WRONG')
  const newer = (copy: Buffer) => {
    copy[8] = 2
    return copy
  }
  expect(await altered(newer)).toBe('ARCHIVE_NEWER')
  expect(await code(other.ask('backup.create', { file, passphrase }))).toBe('ARCHIVE_EXISTS')
  expect(await code(other.ask('backup.create', { file: spoilt, passphrase: 'short' }))).toBe('PASSPHRASE_WEAK')
})

test('backups by the clock: when one is due, and only so many are kept', async () => {
  const schedule = {
    folder: join(folder, 'scheduled'),
    every_hours: 24,
    keep: 2,
    passphrase_file: join(folder, 'passphrase'),
  }
  await writeFile(schedule.passphrase_file, `${passphrase}\nnot this\n`, { mode: 0o600 })
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const scheduled = new ScheduledBackup(schedule, other.kernel, other.kernel.use(store), silent)
  const hour = 3_600_000
  for (const hours of [0, 23, 24, 30, 48]) await scheduled.look(hours * hour)
  await scheduled.close()
  const names = (await readdir(schedule.folder)).sort()
  expect(names).toEqual([24, 48].map(hours => archiveName(hours * hour)))
  expect((await readArchive(join(schedule.folder, names[1]!), passphrase)).pacts).toHaveLength(1)
  expect((await other.get<{ file: string }>('backup.create', { passphrase })).file).toContain(other.dataDir)
})

test('chunks cannot be cut off, swapped or left out', async () => {
  const source = async function* (parts: Buffer[]) {
    yield* parts
  }
  const all = async (parts: AsyncIterable<Buffer>) => {
    const found: Buffer[] = []
    for await (const part of parts) found.push(part)
    return found
  }
  const text = Buffer.alloc(200_000, 'what was said ')
  const [head, check, one, two, ...rest] = (await all(encrypt(source([text]), passphrase))) as [Buffer, ...Buffer[]]
  const opened = async (...parts: (Buffer | undefined)[]) => {
    const given = source([head, check, ...parts].filter(part => part !== undefined))
    return Buffer.concat(await all(decrypt(given, passphrase, 'x')))
  }
  expect((await opened(one, two, ...rest)).equals(text)).toBe(true)
  expect(await code(opened(one))).toBe('ARCHIVE_TRUNCATED')
  expect(await code(opened())).toBe('ARCHIVE_TRUNCATED')
  expect(await code(opened(two, one, ...rest))).toBe('ARCHIVE_DAMAGED')
  expect(await code(opened(one, ...rest))).toBe('ARCHIVE_DAMAGED')
  expect(await code(opened(one, two, ...rest, one))).toBe('ARCHIVE_DAMAGED')
})

test('a lost machine comes back on another one, and what only it had is carried on', async () => {
  const dataDir = join(folder, 'restored')
  expect(await code(restoreArchive(file, passphrase, folder))).toBe('RESTORE_NOT_EMPTY')
  expect(await code(restoreArchive(file, 'incorrect horse battery', dataDir))).toBe('PASSPHRASE_WRONG')
  await restoreArchive(file, passphrase, dataDir)
  const machine = new Machine(dataDir, net.bootstrap, plugins)
  await machine.start()
  try {
    // The same identity and agent; another device, with a core of its own.
    const before = JSON.parse((await readFile(join(lost.dataDir, 'identity', 'device.json'))).toString()) as object
    const now = JSON.parse((await readFile(join(dataDir, 'identity', 'device.json'))).toString()) as object
    expect(now).not.toEqual(before)
    await eventually(() => machine.kernel.pacts.find('test'))
    await eventually(async () => (await machine.pact().status()).writable)
    const old = await entry(other, 'test', fact)
    const same = await eventually(() => entry(machine, 'test', fact).catch(() => null))
    expect(same).toEqual(old)
    expect(machine.kernel.identity.defaultAgent.handle).toBe(old.author)
    const written = await record(machine, 'test', 'and on it goes', [fact])
    await eventually(() => entry(other, 'test', written).catch(() => null))
    const devices = await machine.get<{ entries: { writer: string; is_self: boolean }[] }>('devices.list')
    expect(devices.entries).toHaveLength(2)
    const gone = devices.entries.find(device => !device.is_self)!
    await machine.ask('devices.retire', { writer: gone.writer })
    await eventually(async () => (await other.pact().members()).length === 2)

    // Its only indexer is gone: readable as archived, and carried on.
    const archived = await machine.get<{ entries: (EntryView & { live: boolean })[] }>('backup.entries', {
      archived: 'alone',
    })
    const found = archived.entries.find(({ id }) => id === kept)
    expect(found).toMatchObject({ payload: { content: 'nobody else has this' }, live: false, author: old.author })
    expect(await machine.get('backup.pacts')).toMatchObject({
      entries: [
        { alias: 'alone', state: 'waiting' },
        { alias: 'test', state: 'joined' },
      ],
    })
    const { alias, entries } = await machine.get<{ alias: string; entries: number }>('backup.refound', {
      pact: 'alone',
    })
    expect([alias, entries]).toEqual(['alone', archived.entries.length])
    const carried = await entry(machine, 'alone', kept)
    expect(carried).toMatchObject({
      payload: { content: 'nobody else has this' },
      verdict: 'accepted',
      author: old.author,
      carried_from: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const pact = machine.pact('alone')
    const read = (await pact.record(carried.position))!
    const bytes = entryBytesOf((await pact.block(carried.position))!)
    expect(verifyEntry(bytes, read.entry!, read.carried!, read.writer)).toBe(true)
    const reply = await record(machine, 'alone', 'still about the same', [kept])
    const referring = await machine.get<{ entries: { id: string }[] }>('entries.referenced-by', { id: kept }, 'alone')
    expect(referring.entries.map(({ id }) => id)).toEqual([reply])
    expect(await machine.get('knowledge.topics', {}, 'alone')).toMatchObject({
      entries: [{ topic: 'backups', count: 2 }],
    })
    // What was told there once is no news here.
    const told = await eventually(async () => {
      const { entries: news } = await machine.get<{ entries: { id: string }[] }>('events.changes', {}, 'alone')
      return news.some(({ id }) => id === reply) && news.map(({ id }) => id)
    })
    expect(told).not.toContain(kept)
    expect(await machine.ask('tasks.complete', { id: task, result: 'done' }, 'alone')).toBeTruthy()
    expect(await code(machine.ask('backup.refound', { pact: 'alone' }))).toBe('REFOUND_NEEDLESS')
  } finally {
    await machine.stop()
  }
}, 60_000)
