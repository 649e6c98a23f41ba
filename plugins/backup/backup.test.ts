import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import IdentityKey from 'keet-identity-key'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyEntry } from '../../kernel/ledger/envelope.ts'
import { entryBytesOf } from '../../kernel/ledger/record.ts'
import { eventually, Machine, membership, Network } from '../../test/support/network.ts'
import attachmentsPlugin from '../attachments/index.ts'
import { attachments } from '../attachments/service.ts'
import events from '../events/index.ts'
import http from '../http/index.ts'
import knowledge from '../knowledge/index.ts'
import type { EntryView } from '../read-model/service.ts'
import skills from '../skills/index.ts'
import { store } from '../store/service.ts'
import tasks from '../tasks/index.ts'
import webhooks from '../webhooks/index.ts'
import { readArchive } from './archive.ts'
import { keptContent } from './attached.ts'
import { decrypt, encrypt, FORMAT } from './cipher.ts'
import backup from './index.ts'
import { restoreArchive } from './restore.ts'
import { archiveName, ScheduledBackup } from './schedule.ts'
import { refounding } from './service.ts'

const plugins = [
  ...membership,
  { plugin: http, config: { port: 0 } },
  attachmentsPlugin,
  events,
  knowledge,
  tasks,
  skills,
  webhooks,
  backup,
]
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
let hook = ''
/** Of a skill that does not fit an entry. */
const large = 'line of a large skill \u20ac\n'.repeat(8_000)

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error: { code: string }) => error.code,
  )
const record = async (machine: Machine, pact: string, content: string, refs: string[] = []) =>
  (await machine.get<{ id: string }>('knowledge.record', { topic: 'backups', content, refs }, pact)).id
const publish = (machine: Machine, pact: string) =>
  machine.ask('skills.publish', { name: 'deploy', version: '1.0.0', description: 'd', content: large }, pact)
const content = async (machine: Machine, pact: string) =>
  (await machine.get<{ content: string }>('skills.content', { id: 'deploy' }, pact)).content
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
  await publish(lost, 'alone')
  hook = (await lost.get<{ id: string }>('webhooks.subscribe', { callback: 'http://127.0.0.1:9/', match: {} })).id
  const left = { file, pacts: 2, contents: 1, contents_missing: 0 }
  expect(await lost.get('backup.create', { file, passphrase })).toMatchObject(left)
  await lost.stop()
}, 60_000)
afterAll(async () => {
  await net.close()
  await rm(folder, { recursive: true, force: true })
})

test('an archive is verified without restoring it; a wrong passphrase and damage have their codes', async () => {
  const report = await readArchive(file, passphrase)
  expect(report.pacts.map(({ alias }) => alias).sort()).toEqual(['alone', 'test'])
  expect(report).toMatchObject({ contents: 1, contents_missing: 0 })
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
    copy[8] = FORMAT + 1
    return copy
  }
  expect(await altered(newer)).toBe('ARCHIVE_NEWER')
  expect(await code(other.ask('backup.create', { file, passphrase }))).toBe('ARCHIVE_EXISTS')
  expect(await code(other.ask('backup.create', { file: spoilt, passphrase: 'short' }))).toBe('PASSPHRASE_WEAK')
  // As a machine leaves it that is stopped while it writes.
  const cut = join(folder, 'cut')
  await writeFile(`${cut}.part`, 'x')
  await expect(other.ask('backup.create', { file: cut, passphrase })).rejects.toMatchObject({
    code: 'ARCHIVE_UNFINISHED',
    details: { file: `${cut}.part` },
  })
  const nowhere = join(folder, 'nowhere', 'x')
  await expect(other.ask('backup.create', { file: nowhere, passphrase })).rejects.toMatchObject({
    code: 'ARCHIVE_UNREADABLE',
    details: { file: nowhere, reason: 'ENOENT' },
  })
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
    const same = await eventually(async () => {
      const found = await entry(machine, 'test', fact).catch(() => null)
      return found?.confirmed ? found : null
    })
    expect(same).toEqual(old)
    expect(machine.kernel.identity.defaultAgent.handle).toBe(old.author)
    const written = await record(machine, 'test', 'and on it goes', [fact])
    await eventually(() => entry(other, 'test', written).catch(() => null))
    const devices = await machine.get<{ entries: { writer: string; is_self: boolean }[] }>('devices.list')
    expect(devices.entries).toHaveLength(2)
    const gone = devices.entries.find(device => !device.is_self)!
    await machine.ask('devices.retire', { writer: gone.writer })
    await eventually(async () => (await other.pact().members()).length === 2)

    // Subscriptions waited for their pact.
    expect(await machine.get('webhooks.list')).toMatchObject({ entries: [{ id: hook }] })

    // Its only indexer is gone: readable as archived, and carried on.
    const archived = await machine.get<{ entries: (EntryView & { live: boolean })[] }>('backup.entries', {
      archived: 'alone',
    })
    await expect(machine.ask('backup.entries', { archived: 'none' })).rejects.toMatchObject({
      code: 'ARCHIVED_UNKNOWN',
    })
    const found = archived.entries.find(({ id }) => id === kept)
    expect(found).toMatchObject({ payload: { content: 'nobody else has this' }, live: false, author: old.author })
    expect(await machine.get('backup.pacts')).toMatchObject({
      entries: [
        { alias: 'alone', state: 'waiting' },
        { alias: 'test', state: 'joined' },
      ],
    })
    // A backup of this machine holds what is still waiting, too.
    const again = join(folder, 'again.backup')
    expect(await machine.get('backup.create', { file: again, passphrase })).toMatchObject({ pacts: 1, contents: 1 })
    expect(await readArchive(again, passphrase)).toMatchObject({ contents: 1, contents_missing: 0 })
    const { length } = archived.entries
    const carriedOn = { alias: 'alone', entries: length, contents: 1, contents_missing: 0 }
    expect(await code(machine.ask('backup.refound', { pact: 'alone' }))).toBe('REFOUND_UNSURE')
    const refounded = await machine.get<{ of: string }>('backup.refound', { pact: 'alone', force: true })
    expect(refounded).toMatchObject(carriedOn)
    expect(await content(machine, 'alone')).toBe(large)
    const shown = await machine.get<{ here: boolean; sha256: string }>('skills.show', { id: 'deploy' }, 'alone')
    expect(shown.here).toBe(true)
    // What came with the archive is handed out whole or not at all.
    expect((await keptContent(dataDir, refounded.of, shown.sha256))?.toString()).toBe(large)
    await appendFile(join(dataDir, 'contents', refounded.of, shown.sha256), 'more')
    expect(await keptContent(dataDir, refounded.of, shown.sha256)).toBe(null)
    const { token } = await machine.get<{ token: string }>('invites.create', {}, 'alone')
    await other.ask('pacts.join', { token, alias: 'carried' })
    expect(await eventually(() => content(other, 'carried').catch(() => null))).toBe(large)
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

test('content beside entries is attached again where its pact is refounded in place; what is not here is counted', async () => {
  const { signer, ...ref } = await other.kernel.use(attachments).attach(other.pact(), Buffer.from('of another pact'))
  await other.ask('pacts.create', { name: 'Place', alias: 'place' })
  await publish(other, 'place')
  const payload = { name: 'gone', version: '1.0.0', format: 'generic', description: 'd', size: ref.length }
  const attachment = { ...ref, signer }
  await other.pact('place').append([{ type: 'skill', payload: { ...payload, sha256: ref.hash, attachment } }])
  const refounded = { alias: 'place', contents: 1, contents_missing: 1 }
  expect(await other.get('backup.refound', { pact: 'place', force: true })).toMatchObject(refounded)
  expect(await content(other, 'place')).toBe(large)
  expect(await code(other.ask('skills.content', { id: 'gone' }, 'place'))).toBe('ATTACHMENT_FOREIGN')
  // From there on to the next one.
  expect(await other.get('backup.refound', { pact: 'place', force: true })).toMatchObject(refounded)
  expect(await content(other, 'place')).toBe(large)
})

test('a refounding that is cut short never passes for the pact, and goes on after a restart or when asked again', async () => {
  await other.ask('pacts.create', { name: 'Cut', alias: 'cut' })
  const ids = []
  for (let n = 0; n < 4; n++) ids.push(await record(other, 'cut', `${n} ${'x'.repeat(40_000)}`))
  const aliases = () => other.kernel.pacts.list().map(({ alias }) => alias)
  const breakOff = async (pact: string, at: number) => {
    const old = other.pact('cut')
    const { block } = old
    old.block = position => (position === at ? Promise.reject(new Error('ended here')) : block.call(old, position))
    await expect(other.ask('backup.refound', { pact, force: true })).rejects.toThrow()
    old.block = block
  }
  const { id: old, length } = other.pact('cut')
  await breakOff('cut', 3)
  expect(aliases()).toEqual(expect.arrayContaining(['cut', 'cut-new']))
  expect(await other.pact('cut-new').status()).toMatchObject({ refounds: { id: old, done: 2, length } })
  const findings = () => other.kernel.use(refounding).findings()
  expect(await findings()).toMatchObject([{ level: 'fault', words: expect.stringContaining('at 2 of') }])
  // Asked again, by either name: on from there, and broken off once more.
  await breakOff('cut-new', 4)
  expect(await other.pact('cut-new').status()).toMatchObject({ refounds: { done: 3, length } })

  await other.stop()
  await other.start()
  await eventually(() => other.kernel.pacts.find('cut-old'))
  await eventually(async () => (await findings()).length === 0)
  expect(aliases()).not.toContain('cut-new')
  expect(await other.pact('cut').status()).toMatchObject({ refounds: { id: old, done: length, length } })
  for (const id of ids) expect(await entry(other, 'cut', id)).toMatchObject({ id, carried_from: old })

  expect(await code(other.ask('backup.refound', { pact: 'cut-old' }))).toBe('REFOUND_DONE')
  expect(await code(other.ask('backup.refound', { pact: 'cut' }))).toBe('REFOUND_NEEDLESS')
  // Two who ask at once get one pact; a name that is taken is said before anything is done.
  expect(await code(other.ask('backup.refound', { pact: 'cut', alias: 'cut-old', force: true }))).toBe('PACT_EXISTS')
  const both = await Promise.all([1, 2].map(() => other.get('backup.refound', { pact: 'cut', force: true })))
  expect(both[0]).toEqual(both[1])
  // One that is left is given up.
  await breakOff('cut', 2)
  await other.ask('pacts.leave', { pactId: 'cut-new', force: true })
  expect(await findings()).toEqual([])
})
