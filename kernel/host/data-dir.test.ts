import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isOpenPactError } from '../errors.ts'
import { machineError, openDataDir } from './data-dir.ts'

let root: string
let count = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'openpact-data-'))
})
afterAll(() => rm(root, { recursive: true }))

const fresh = () => join(root, String(count++), 'deep', 'data')
const mode = async (path: string) => (await stat(path)).mode & 0o777

test('makes a private directory with its folders and its format', async () => {
  const path = fresh()
  const dir = await openDataDir(path)
  expect((await readdir(path)).sort()).toEqual(['format', 'identity', 'logs', 'pacts', 'run'])
  for (const folder of [path, dir.identity, dir.pacts, dir.run, dir.logs]) expect(await mode(folder)).toBe(0o700)
  expect(await readFile(join(path, 'format'), 'utf8')).toBe('1\n')
  await dir.release()
  await (await openDataDir(path)).release()
})

test('a directory that others may read is made private', async () => {
  const path = fresh()
  await mkdir(path, { recursive: true })
  await chmod(path, 0o755)
  await (await openDataDir(path)).release()
  expect(await mode(path)).toBe(0o700)
})

describe('the lock', () => {
  test('is held until it is released, within one process too', async () => {
    const path = fresh()
    const dir = await openDataDir(path)
    await expect(openDataDir(path)).rejects.toMatchObject({
      code: 'DATA_DIR_LOCKED',
      details: { pid: String(process.pid) },
    })
    await dir.release()
    await (await openDataDir(path)).release()
  })

  test('of twenty that open at once, one gets it', async () => {
    const path = fresh()
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => openDataDir(path)))
    const won = all.flatMap(r => (r.status === 'fulfilled' ? [r.value] : []))
    const lost = all.flatMap(r => (r.status === 'rejected' ? [r.reason] : []))
    expect(won).toHaveLength(1)
    for (const error of lost) expect(error).toMatchObject({ code: 'DATA_DIR_LOCKED' })
    await won[0]!.release()
  })

  test('of another process is named, and ends when that process is killed', async () => {
    const path = fresh()
    await (await openDataDir(path)).release()
    const script = `
      import { openSync, writeFileSync } from 'node:fs'
      import { tryLock } from 'fs-native-extensions'
      tryLock(openSync(process.argv[1] + '/run/lock', 'a'))
      writeFileSync(process.argv[1] + '/run/lock.pid', String(process.pid))
      console.log('locked')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    const locked = await openDataDir(path).catch(e => e)
    expect(locked).toMatchObject({ code: 'DATA_DIR_LOCKED', details: { pid: String(child.pid) } })
    expect(locked.message).toContain(String(child.pid))
    child.kill('SIGKILL')
    await once(child, 'exit')
    await (await openDataDir(path)).release()
  })
})

describe('faults', () => {
  const open = (path: string) => openDataDir(path).then(dir => dir.release())

  test('a newer format is not touched', async () => {
    const path = fresh()
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'format'), '2\n')
    await expect(open(path)).rejects.toMatchObject({ code: 'DATA_DIR_NEWER', details: { found: 2, known: 1 } })
    expect(await readdir(path)).toEqual(['format'])
  })

  test('a format that is no number', async () => {
    const path = fresh()
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'format'), 'one')
    await expect(open(path)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE', message: /"format"/ })
  })

  test('a file where a folder should be', async () => {
    const path = fresh()
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'pacts'), '')
    await expect(open(path)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
    await expect(open(join(path, 'pacts'))).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
    await expect(open(join(path, 'pacts', 'below'))).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
  })

  test('a directory without permission, and one on a file system that cannot be written', async () => {
    const path = fresh()
    await mkdir(path, { recursive: true })
    await chmod(root, 0o755)
    await chmod(path, 0o500)
    // Root may do anything, so the attempt is made as nobody.
    const root0 = process.geteuid?.() === 0
    if (root0) process.seteuid?.(65534)
    try {
      const error = await open(path).catch(e => e)
      expect(error).toMatchObject({ code: 'DATA_DIR_UNUSABLE', message: /not permitted/ })
      expect(error.message).not.toContain(root)
    } finally {
      if (root0) process.seteuid?.(0)
    }
    await expect(open('/proc/openpact')).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
  })

  test('errors of the machine are told apart from others', () => {
    const coded = (code: string) => machineError(Object.assign(new Error(code), { code }))
    expect(coded('ENOSPC')).toMatchObject({ code: 'DISK_FULL', kind: 'unavailable' })
    expect(coded('EDQUOT')).toMatchObject({ code: 'DISK_FULL' })
    expect(coded('EROFS')).toMatchObject({ code: 'DATA_DIR_UNUSABLE', message: /read-only/ })
    expect(coded('ECONNRESET')).toBeNull()
    expect(machineError(new Error('x'))).toBeNull()
    expect(machineError(undefined)).toBeNull()
    expect(isOpenPactError(coded('EACCES'))).toBe(true)
  })
})

describe('an older format', () => {
  const steps = (ran: string[], fails = '') =>
    [2, 3].map(to => ({
      to,
      summary: `step ${to}`,
      run: async (path: string) => {
        ran.push(`${to}`)
        if (fails === `${to}`) throw new Error('cut short')
        await writeFile(join(path, `made-by-${to}`), '')
      },
    }))

  test('is brought up to date step by step, with progress, and goes on after a step that was cut short', async () => {
    const path = fresh()
    await (await openDataDir(path)).release()
    const [ran, told]: [string[], string[]] = [[], []]
    const cut = openDataDir(path, { known: 3, steps: steps(ran, '3'), told: doing => told.push(doing) })
    await expect(cut).rejects.toThrow('cut short')
    expect(await readFile(join(path, 'format'), 'utf8')).toBe('2\n')
    await (await openDataDir(path, { known: 3, steps: steps(ran), told: doing => told.push(doing) })).release()
    expect(ran).toEqual(['2', '3', '3'])
    expect(told.map(text => text.slice(-16))).toEqual(
      ['1 of 2: step 2', '2 of 2: step 3', '1 of 1: step 3'].map(t => expect.stringContaining(t)),
    )
    expect(await readFile(join(path, 'format'), 'utf8')).toBe('3\n')
    // Nothing to do, and nothing for the version of before.
    await (await openDataDir(path, { known: 3, steps: steps(ran) })).release()
    expect(ran).toHaveLength(3)
    await expect(openDataDir(path)).rejects.toMatchObject({ code: 'DATA_DIR_NEWER', details: { found: 3, known: 1 } })
  })
})
