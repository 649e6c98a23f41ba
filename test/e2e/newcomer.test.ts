/** What somebody sees who starts OpenPact for the first time: the address, a curl that works, commands that explain themselves. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { durationUnit } from '../../cli/duration.ts'
import type { OperationInfo } from '../../cli/known-operations.ts'
import { fieldsOf } from '../../cli/schema.ts'
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
    expect(doctor.stdout).toContain('Entries are confirmed by this machine alone.')
    expect(doctor.code).toBe(0)
  })

  it('has a way to every operation, and spans of time in one form', async () => {
    const at = ['--data-dir', dataDir]
    const listed = await openpact(['call', '--json', ...at])
    const { entries } = JSON.parse(listed.stdout) as { entries: OperationInfo[] }
    expect(entries.length).toBeGreaterThan(30)
    for (const { name, input } of entries) {
      for (const [field, schema] of Object.entries(fieldsOf(input).properties)) {
        if (/_ms$|timeout|lifetime/.test(field)) expect(durationUnit(schema), `${name} ${field}`).toBeDefined()
      }
    }
    const called = await openpact(['call', 'tasks.list', '{"limit":1}', '--json', ...at])
    expect(JSON.parse(called.stdout).entries).toHaveLength(1)
    const near = await openpact(['call', 'tasks.lst', ...at])
    expect([near.code, near.stderr]).toEqual([2, expect.stringContaining('Did you mean "tasks.list"?')])
  })

  it('shows what is watched again when it has changed', async () => {
    const flags = ['list', '--watch', '--data-dir', dataDir]
    const watching = spawn(process.execPath, [main, 'task', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
    const shown = watching.stdout.setEncoding('utf8')[Symbol.asyncIterator]()
    expect((await shown.next()).value).not.toContain('Look at it')
    expect((await openpact(['task', 'add', 'Look at it', '--data-dir', dataDir])).code).toBe(0)
    expect((await shown.next()).value).toContain('Look at it')
    watching.kill('SIGINT')
    expect(await new Promise(resolve => watching.once('exit', resolve))).toBe(0)
  })

  it('tells how an agent uses its token, and of a pact that is joined already', async () => {
    const at = ['--data-dir', dataDir]
    const added = await openpact(['agent', 'add', 'claude', ...at])
    const [, token = ''] = /OPENPACT_TOKEN=(\S+) openpact/.exec(added.stdout) ?? []
    const wrote = await openpact(['record', 'who', 'I did.', '--json', ...at], { OPENPACT_TOKEN: token })
    expect(JSON.parse(wrote.stdout).author).toMatch(/^claude-/)
    const invite = JSON.parse((await openpact(['invite', '--json', ...at])).stdout)
    const joined = await openpact(['join', invite.token, '--alias', 'other', '--timeout', '30s', ...at])
    expect(joined.stdout.replace(/ --data-dir '.*it'\\''s here'/, '')).toBe(
      'This machine was in the pact "First pact" already (alias first).\n' +
        'It keeps that alias; `openpact rename other --pact first` gives it the other one.\n',
    )
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
    expect(status.stderr).toMatch(/`openpact --data-dir '.*it'\\''s here' start`/)
    expect((await openpact(['task', 'claim', '--help', '--data-dir', dataDir])).stdout).toContain(
      'Usage: openpact task claim',
    )
    const plugins = await openpact(['plugins', '--data-dir', dataDir])
    expect(plugins.stdout).toMatch(/^No daemon is running\. This is what it reported when it last started, at 20/)
    expect(plugins.stdout).toMatch(/^knowledge +/m)
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

  it('shows the 24 words that make the same identity on another machine, which a device link leads back into its pact', async () => {
    const network = await startNetwork()
    const [old, other] = await Promise.all([temporaryDirectory(), temporaryDirectory()])
    const flags = ['--bootstrap', network.bootstrap, '--bind', '127.0.0.1', '--port', '0']
    const on = async (dir: string, args: string[], input = '') => {
      const { code, stdout, stderr } = await openpact([...args, '--data-dir', dir, ...flags], {}, input)
      return code === 0 ? stdout : stderr
    }
    try {
      expect(await on(old, ['words'])).toContain('[IDENTITY_NONE]')
      expect(await on(old, ['init', '--name', 'Kept'])).toContain('`openpact --data-dir')
      const words = await on(old, ['words'])
      expect(words).toMatch(/^([a-z]+ ){23}[a-z]+\n$/)
      expect(await on(old, ['start'])).toContain('--bootstrap and --bind held for this start')
      const { token } = JSON.parse(await on(old, ['device', 'link', '--json'])) as { token: string }
      expect(await on(other, ['init', '--restore-identity'], words)).toContain('This is your identity')
      await on(other, ['start'])
      expect(await on(other, ['join', token, '--alias', 'kept'])).toContain('Joined the pact')
      const members = JSON.parse(await on(other, ['members', '--json'])) as { entries: { devices: object[] }[] }
      expect(members.entries).toMatchObject([{ devices: [{}, {}] }])
    } finally {
      for (const dir of [old, other]) await on(dir, ['stop'])
      await network.close()
      for (const dir of [old, other]) await rm(dir, { recursive: true, force: true })
    }
  })

  it('does not open a copied directory until it is told that the original is gone, and loses nothing then', async () => {
    const root = await temporaryDirectory()
    const network = await startNetwork()
    const flags = ['--bootstrap', network.bootstrap, '--bind', '127.0.0.1', '--port', '0']
    const [old, copy] = [join(root, 'old'), join(root, 'copy')]
    const on = async (dir: string, ...args: string[]) => {
      const { code, stdout, stderr } = await openpact([...args, '--data-dir', dir, ...flags])
      return code === 0 ? stdout : stderr
    }
    try {
      await on(old, 'init', '--name', 'Mine', '--alias', 'mine')
      await on(old, 'start')
      await on(old, 'record', 'moving', 'the first fact')
      await on(old, 'stop')
      await run('cp', ['-a', old, copy])
      expect(await on(copy, 'start')).toContain('[PACT_MOVED]')
      await on(copy, 'stop')
      await on(copy, 'start', '--moved')
      expect(await on(copy, 'record', 'moving', 'the second fact')).toContain('accepted')
      const { entries } = JSON.parse(await on(copy, 'knowledge', 'list', '--json')) as { entries: object[] }
      expect(entries).toHaveLength(2)
    } finally {
      await on(copy, 'stop')
      await network.close()
      await rm(root, { recursive: true, force: true })
    }
  })

  it('has no help for what does not exist, and all flags in the help of what does', async () => {
    const none = await openpact(['tsak', '--help', '--data-dir', '/nonexistent'])
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toContain("unknown command 'tsak' (Did you mean task?) [USAGE]")
    const { code, stdout } = await openpact(['task', 'claim', '--help', '--data-dir', '/nonexistent'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/--lease <duration>[\s\S]*Global Options:[\s\S]*--data-dir[\s\S]*24h/)
  })

  it('answers a mistyped command in two lines, with a suggestion', async () => {
    const { code, stdout, stderr } = await openpact(['statsu', '--data-dir', '/nonexistent'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe("openpact: unknown command 'statsu' (Did you mean status?) [USAGE]\n  See `openpact --help`.\n")
    for (const [words, said] of [
      [['nope'], "unknown command 'nope' ["],
      [['task', 'create', 'x'], "unknown command 'create' (Did you mean task add?) ["],
      [['task', 'crate', '--help'], "unknown command 'crate' ["],
      [['task', 'create', '--help'], '(Did you mean task add?) ['],
      [['status', '--jsn'], "unknown option '--jsn' (Did you mean --json?) ["],
    ] as const)
      expect((await openpact([...words, '--data-dir', '/nonexistent'])).stderr).toContain(said)
    const archive = await openpact(['backup', 'verify', '/nonexistent/archive'])
    expect(archive.stderr).toContain('[ARCHIVE_UNREADABLE]')
    const bare = await openpact(['logs', '--lines'])
    expect(bare.stderr).toBe(
      "openpact: option '-n, --lines <number>' argument missing [USAGE]\n  See `openpact logs --help`.\n",
    )
  })
})
