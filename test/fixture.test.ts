/**
 * Opens a data directory that an earlier build wrote, in every run: what is on people's machines must stay readable.
 * `OPENPACT_FIXTURE=make npx vitest run test/fixture.test.ts` writes one of the present version beside the others; commit it with a release.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import tar from 'tar-stream'
import { afterEach, expect, test } from 'vitest'
import { version } from '../kernel/index.ts'
import { access } from '../plugins/access/service.ts'
import attachments from '../plugins/attachments/index.ts'
import backup from '../plugins/backup/index.ts'
import knowledge from '../plugins/knowledge/index.ts'
import tasks from '../plugins/tasks/index.ts'
import { Machine, membership } from './support/network.ts'

const folder = join(import.meta.dirname, 'fixtures')
const plugins = [...membership, attachments, knowledge, tasks, backup]
const dirs: string[] = []
const machines: Machine[] = []

async function machine(dataDir: string): Promise<Machine> {
  const made = new Machine(dataDir, [], plugins)
  await made.start()
  machines.push(made)
  return made
}
async function temporary(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'openpact-fixture-'))
  dirs.push(dir)
  return dir
}
afterEach(async () => {
  for (const each of machines.splice(0)) await each.stop()
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true })
})

/** Derived or of the machine: the store's device file would say, rightly, that this is a copy. */
const left = /(^|\/)(CORESTORE|LOCK|LOG(\.old.*)?|index\.db.*|local\.db-.*)$|^(run|logs)\//

async function make(file: string): Promise<void> {
  const dataDir = await temporary()
  const maker = await machine(dataDir)
  await maker.ask('pacts.create', { name: 'Fixture', alias: 'test', purpose: 'to be opened by later versions' })
  const facts: string[] = []
  for (let i = 0; i < 20; i++) {
    const input = { topic: `topic-${i % 3}`, content: `fact ${i}`, refs: facts.slice(-1) }
    facts.push((await maker.get<{ id: string }>('knowledge.record', input)).id)
  }
  const open = (await maker.get<{ id: string }>('tasks.create', { title: 'left open' })).id
  const done = (await maker.get<{ id: string }>('tasks.create', { title: 'done' })).id
  await maker.ask('tasks.claim', { id: done })
  await maker.ask('tasks.complete', { id: done, result: 'it is' })
  const expected = { version, pact: maker.pact().id, length: maker.pact().length, facts, open, done }
  await maker.stop()
  await writeFile(join(dataDir, 'expected.json'), JSON.stringify(expected))
  const pack = tar.pack()
  const names = await readdir(dataDir, { recursive: true, withFileTypes: true })
  const written = pipeline(pack, createGzip({ level: 9 }), createWriteStream(file))
  for (const item of names) {
    const path = join(item.parentPath, item.name)
    const name = relative(dataDir, path)
    if (item.isFile() && !left.test(name)) pack.entry({ name, mode: 0o600 }, await readFile(path))
  }
  pack.finalize()
  await written
}

async function unpack(file: string): Promise<string> {
  const dataDir = await temporary()
  const extract = tar.extract()
  const unzipped = pipeline(createReadStream(file), createGunzip(), extract)
  for await (const entry of extract) {
    const parts: Buffer[] = []
    for await (const part of entry) parts.push(part as Buffer)
    const path = join(dataDir, entry.header.name)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(path, Buffer.concat(parts), { mode: 0o600 })
  }
  await unzipped
  return dataDir
}

if (process.env.OPENPACT_FIXTURE === 'make') {
  test('makes a data directory of this version', () => make(join(folder, `data-${version}.tar.gz`)))
}

test('data directories of every version so far can be opened, read and written', async () => {
  const files = (await readdir(folder)).filter(name => /^data-.*\.tar\.gz$/.test(name))
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) {
    const dataDir = await unpack(join(folder, file))
    const expected = JSON.parse(await readFile(join(dataDir, 'expected.json'), 'utf8'))
    const opened = await machine(dataDir)
    const pact = opened.pact()
    expect([pact.id, pact.length]).toEqual([expected.pact, expected.length])
    for (const [i, id] of (expected.facts as string[]).entries()) {
      const entry = await opened.get('entries.get', { id })
      expect(entry).toMatchObject({ payload: { content: `fact ${i}` }, verdict: 'accepted', confirmed: true })
    }
    const topics = await opened.get<{ entries: { count: number }[] }>('knowledge.topics')
    expect(topics.entries.map(({ count }) => count).sort()).toEqual([6, 7, 7])
    expect(await opened.get('tasks.show', { id: expected.open })).toMatchObject({ status: 'open' })
    expect(await opened.get('tasks.show', { id: expected.done })).toMatchObject({ status: 'complete' })
    const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
    expect(opened.kernel.use(access).identify(token)).toMatchObject({ agent: opened.kernel.identity.defaultAgent.name })
    expect(await opened.ask('tasks.claim', { id: expected.open })).toBeTruthy()
  }
})
