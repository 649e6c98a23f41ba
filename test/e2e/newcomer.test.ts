/** What somebody sees who starts OpenPact for the first time: the address, a curl that works, commands that explain themselves. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openpact, startNetwork, temporaryDirectory } from '../support/daemon.ts'

// Each test starts several processes; a busy machine is given time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const run = promisify(execFile)
const main = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')

describe('npm start', () => {
  let dataDir: string
  let bootstrap: string
  let closeNetwork: () => Promise<void>
  let child: ChildProcess
  let printed = ''

  beforeAll(async () => {
    // A quote in the path: what is printed must survive a shell.
    dataDir = join(await temporaryDirectory(), "it's here")
    const network = await startNetwork()
    ;({ bootstrap, close: closeNetwork } = network)
    const flags = ['--data-dir', dataDir, '--bootstrap', bootstrap, '--bind', '127.0.0.1', '--port', '0']
    child = spawn(process.execPath, [main, 'start', '--foreground', '--first-pact', ...flags])
    await new Promise<void>((resolve, reject) => {
      child.stdout?.setEncoding('utf8').on('data', text => {
        printed += text
        if (printed.includes('Read it back')) resolve()
      })
      child.once('exit', code => reject(new Error(`ended with ${code}`)))
    })
  })
  afterAll(async () => {
    child.kill('SIGKILL')
    await closeNetwork()
    await rm(join(dataDir, '..'), { recursive: true, force: true })
  })

  it('says where it listens', () => {
    expect(printed).toMatch(/listens on http:\/\/127\.0\.0\.1:\d+/)
  })

  it('prints curls that work when pasted', async () => {
    const [write, read] = [...printed.matchAll(/^ {2}(curl .*)$/gm)].map(match => match[1] ?? '')
    const written = JSON.parse((await run('bash', ['-c', write ?? ''])).stdout)
    expect(written.id).toMatch(/^[0-9a-f]{8}-\d+$/)
    const page = JSON.parse((await run('bash', ['-c', read ?? ''])).stdout)
    expect(page.entries.map((entry: { id: string }) => entry.id)).toEqual([written.id])
  })

  it('is reached by commands, generated verbs among them', async () => {
    const at = ['--data-dir', dataDir]
    const added = await openpact(['task', 'add', 'Renew the certificate', '--json', ...at])
    expect(added.stderr).toBe('')
    const { id } = JSON.parse(added.stdout)
    const claimed = await openpact(['task', 'claim', id, '--json', ...at])
    expect(JSON.parse(claimed.stdout)).toMatchObject({ id, status: 'claimed' })
    expect((await openpact(['task', 'list', ...at])).stdout).toContain(id)
    expect((await openpact(['status', ...at])).stdout).toMatch(/first \*/)
    expect((await openpact(['log', ...at])).stdout).toContain('Renew the certificate')
    const doctor = await openpact(['doctor', ...at])
    expect(doctor.stdout).not.toContain('FAIL')
    expect(doctor.stdout).toContain('Entries are confirmed by this machine alone, which is awake.')
    expect(doctor.code).toBe(0)
  })

  it('ends on Ctrl-C, and the commands then say how to start it', async () => {
    const code = new Promise(resolve => {
      child.once('exit', resolve)
    })
    child.kill('SIGINT')
    expect(await code).toBe(0)
    expect(existsSync(join(dataDir, 'run', 'daemon.json'))).toBe(false)
    const status = await openpact(['status', '--data-dir', dataDir])
    expect(status.code).toBe(7)
    expect(status.stderr).toContain('[DAEMON_DOWN]')
    expect(status.stderr).toContain('openpact start')
    expect((await openpact(['task', 'claim', '--help', '--data-dir', dataDir])).stdout).toContain(
      'Usage: openpact task claim',
    )
    expect((await openpact(['plugins', '--data-dir', dataDir])).stdout).toMatch(/^knowledge +/m)
  })
})

describe('the command line', () => {
  it('runs a daemon in the background, once', async () => {
    const dataDir = await temporaryDirectory()
    const network = await startNetwork()
    const at = ['--data-dir', dataDir, '--bootstrap', network.bootstrap, '--bind', '127.0.0.1', '--port', '0']
    try {
      const created = await openpact(['init', '--name', 'Offline', '--alias', 'offline', '--json', ...at])
      expect(JSON.parse(created.stdout)).toMatchObject({ alias: 'offline', name: 'Offline' })
      const started = await openpact(['start', ...at])
      expect(started.stdout).toMatch(/listens on http:/)
      const again = await openpact(['start', ...at])
      expect(again.code).toBe(5)
      expect(again.stderr).toContain('[DAEMON_RUNNING]')
      expect((await openpact(['list', ...at])).stdout).toContain('offline')
    } finally {
      const stopped = await openpact(['stop', ...at])
      expect(stopped.stdout).toMatch(/^Stopped/)
      await network.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  })

  it('answers a mistyped command in two lines, with a suggestion', async () => {
    const { code, stdout, stderr } = await openpact(['statsu', '--data-dir', '/nonexistent'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe("openpact: unknown command 'statsu' (Did you mean status?) [USAGE]\n  See `openpact --help`.\n")
  })
})
