/** Whatever keeps a daemon from starting is told with its code and a way out, on two lines, and nothing is lost by it. */
import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CommandResult, openpact, TestDaemon, temporaryDirectory } from '../support/daemon.ts'

// Each test starts several processes; a busy machine is given time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const main = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')
const offline = join(import.meta.dirname, '..', 'support', 'offline.config.json')

/** A directory with one pact and one entry in it, as a daemon left it. Not copied: a store that was moved refuses to open. */
let used: string
let folder: string
beforeAll(async () => {
  folder = await temporaryDirectory()
  used = join(folder, 'used')
  const daemon = await TestDaemon.start({ dataDir: used, args: ['--first-pact', '--config', offline] })
  await daemon.post('/v1/pacts/first/knowledge', { topic: 'kept', content: 'Here before the fault.' })
  await daemon.stop()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function start(dataDir: string, ...flags: string[]): Promise<CommandResult> {
  return openpact(['start', '--foreground', '--port', '0', '--data-dir', dataDir, ...flags])
}

/** One line with the code, then the way out; no stack trace, and no success. */
function expectFault(result: CommandResult, code: string, words: RegExp): void {
  const told = result.stderr.split('\n').filter(line => !/^(warn|error): |\(\d+ s\)$/.test(line))
  expect(told[0], result.stderr).toMatch(/^openpact: /)
  expect(result.stderr).toContain(`[${code}]`)
  expect(result.stderr).toMatch(words)
  expect(result.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m)
  expect(result.stdout).toBe('')
  expect(result.code).toBeGreaterThan(0)
}

async function withConfig(name: string, file: string, text: string): Promise<string> {
  const dir = join(folder, name)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await writeFile(join(dir, file), text)
  return dir
}

describe('configuration', () => {
  it('that cannot be parsed', async () => {
    const dir = await withConfig('unparsable', 'openpact.config.ts', 'export default {')
    expectFault(await start(dir), 'CONFIG_UNREADABLE', /openpact\.config\.ts/)
  })

  it('that holds an unknown field', async () => {
    const dir = await withConfig('unknown-field', 'openpact.config.json', '{"plugin": []}')
    expectFault(await start(dir), 'CONFIG_INVALID', /openpact\.config\.json/)
  })

  it('that names an unknown plugin, and the same from a detached start', async () => {
    const dir = await withConfig('unknown-plugin', 'openpact.config.yaml', 'plugins: [knowlege]\n')
    expectFault(await start(dir), 'PLUGINS_INVALID', /knowlege.*Did you mean "knowledge"/)
    expectFault(await openpact(['start', '--data-dir', dir]), 'PLUGINS_INVALID', /knowlege/)
  })
})

it('that a daemon could not start for is what doctor tells, with its cure, until one has answered', async () => {
  const dir = await withConfig('doctor', 'openpact.config.json', '{"plugin": []}')
  const doctor = async () => (await openpact(['doctor', '--data-dir', dir])).stdout
  await start(dir)
  expect(await doctor()).toMatch(
    /FAIL {2}Daemon: not running;.*unknown field "plugin".*Correct the file and start again/,
  )
  await cp(offline, join(dir, 'openpact.config.json'))
  const daemon = await TestDaemon.start({ dataDir: dir })
  await daemon.stop()
  expect(await doctor()).toMatch(/note {2}Daemon: not running; `openpact --data-dir \S+ start` starts it/)
})

it('a fault that nobody foresaw, later, ends the daemon with a code', async () => {
  const plugin =
    "{ name: 'bomb', version: '1.0.0', api: 1, summary: 'x', setup: () => void setTimeout(() => { throw new Error('boom') }) }"
  const dir = await withConfig('bomb', 'openpact.config.mjs', `export default { network: false, plugins: [${plugin}] }`)
  const { code, stderr } = await start(dir)
  expect(code).toBe(1)
  expect(stderr).toContain('[DAEMON_CRASHED]')
  expect(stderr).not.toMatch(/^\s+at /m)
  expect(await readFile(join(dir, 'logs', 'daemon.log'), 'utf8')).toContain('boom')
  expect(await readdir(join(dir, 'run'))).not.toContain('daemon.json')
})

it('names the plugin that is missing, the path looked at, the file and the two ways out', async () => {
  const config = '{"network": false, "plugins": ["./plugins/words"]}'
  const dir = await withConfig('gone-plugin', 'openpact.config.json', config)
  const [path, file] = [join(dir, 'plugins', 'words'), join(dir, 'openpact.config.json')]
  const told = `- ./plugins/words (./plugins/words): no plugin is at ${path}. Put it back, or take it out of "plugins" (${file}).`
  const gone = await start(dir)
  expectFault(gone, 'PLUGINS_INVALID', /\.\/plugins\/words/)
  expect(gone.stderr).toContain(told)
})

describe('this machine', () => {
  it('has the port taken', async () => {
    const server = createServer()
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as { port: number }
    const flags = ['--config', offline, '--port', String(port)]
    expectFault(await start(join(folder, 'port'), ...flags), 'PORT_TAKEN', /--port/)
    server.close()
  })

  it('does not have the address, and is told which it has, before anything is opened', async () => {
    for (const address of ['203.0.113.1', 'no-address.invalid']) {
      const result = await start(join(folder, 'bind'), '--bind', address)
      expectFault(result, 'BIND_UNKNOWN', /^openpact: "\S+" is no address of this machine; it has .*127\.0\.0\.1/m)
      expect(result.stderr).toContain(`"${address}"`)
      expect(result.stderr).not.toContain('Opening the pacts')
    }
    const dir = await withConfig('bind-config', 'openpact.config.json', '{"network": {"bind": "203.0.113.1"}}')
    expectFault(await start(dir), 'BIND_UNKNOWN', /203\.0\.113\.1.*\n.*network\.bind/)
  })

  it('runs a daemon on the directory already', async () => {
    const daemon = await TestDaemon.start({ dataDir: used, args: ['--config', offline] })
    try {
      expectFault(await start(used, '--config', offline), 'DATA_DIR_LOCKED', new RegExp(`process ${daemon.pid}`))
    } finally {
      await daemon.stop()
    }
  })

  it('has a file where the directory should be', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    expectFault(await start(file), 'DATA_DIR_UNUSABLE', /--data-dir/)
  })

  it('holds data of a newer version', async () => {
    await writeFile(join(used, 'format'), '99\n')
    expectFault(await start(used), 'DATA_DIR_NEWER', /newer/)
    await writeFile(join(used, 'format'), '1\n')
    await expectKept()
  })

  it.runIf(process.platform === 'linux')('has a read-only directory', async () => {
    const mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"'
    expectFault(await startMounted(mount, used), 'DATA_DIR_UNUSABLE', /read-only/)
    await expectKept()
  })

  it.runIf(process.platform === 'linux')('has a full disk', async () => {
    const dir = join(folder, 'full')
    await mkdir(dir)
    const fill = 'mount -t tmpfs -o size=64k tmpfs "$0" && { cat /dev/zero > "$0/filler" 2>/dev/null; true; }'
    expectFault(await startMounted(fill, dir), 'DISK_FULL', /nothing that was acknowledged is lost/)
  })
})

it('an optional plugin that cannot be loaded is named at the start', async () => {
  const dataDir = join(folder, 'optional')
  const config = join(folder, 'optional.config.json')
  await writeFile(config, '{ "network": false, "plugins": [{ "plugin": "./none.js", "optional": true }] }')
  const at = ['--data-dir', dataDir, '--config', config, '--port', '0']
  try {
    const { stdout } = await openpact(['start', ...at])
    expect(stdout).toMatch(/^The plugin "\.\/none\.js" is not running: .+$/m)
  } finally {
    await openpact(['stop', ...at])
  }
})

describe('a pact that cannot be opened is named, and the daemon serves the others', () => {
  it('because its encryption key is wrong', async () => {
    const id = await pactId()
    const file = join(used, 'pacts', id, 'pact.json')
    const card = await readFile(file, 'utf8')
    await writeFile(file, JSON.stringify({ ...JSON.parse(card), encryptionKey: 'ab'.repeat(32) }))
    await expectFailedPact(id, 'PACT_KEY_WRONG')
    await writeFile(file, card)
    await expectKept()
  })

  it('because its store is corrupt', async () => {
    const id = await pactId()
    const db = join(used, 'pacts', id, 'store', 'db')
    for (const name of await readdir(db)) if (name.startsWith('MANIFEST')) await writeFile(join(db, name), 'garbage')
    await expectFailedPact(id, 'PACT_CORRUPT')
  })
})

async function pactId(): Promise<string> {
  const [id] = await readdir(join(used, 'pacts'))
  return id ?? ''
}

/** Status and doctor name the pact and the way out, a request to it gets the same code, and another pact can be made. */
async function expectFailedPact(id: string, code: string): Promise<void> {
  const daemon = await TestDaemon.start({ dataDir: used, args: ['--config', offline] })
  try {
    const status = await daemon.get<{ failed: { id: string; error: string; help: string }[] }>('/v1/status')
    expect(status.body.failed).toMatchObject([{ id, error: code }])
    const addressed = await daemon.get(`/v1/pacts/${id}/status`)
    expect([addressed.status, addressed.body.error]).toEqual([503, code])
    const doctor = await daemon.command('doctor')
    expect(doctor.code).toBe(1)
    expect(doctor.stdout).toContain(status.body.failed[0]?.help)
    expect((await daemon.post('/v1/pacts', { name: 'Other', alias: `other-${code.length}` })).status).toBe(201)
  } finally {
    await daemon.stop()
  }
}

/** Starts a daemon in a mount namespace of its own, on a directory that `mount` (run with it as `$0`) has prepared. */
function startMounted(mount: string, dir: string): Promise<CommandResult> {
  const script = `${mount} && exec "$1" "$2" start --foreground --port 0 --config "$3" --data-dir "$0"`
  return new Promise(resolve => {
    execFile('unshare', ['-Urm', 'sh', '-c', script, dir, process.execPath, main, offline], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr })
    })
  })
}

/** What was there before the fault is there after it. */
async function expectKept(): Promise<void> {
  const daemon = await TestDaemon.start({ dataDir: used, args: ['--config', offline] })
  const page = await daemon.get<{ entries: unknown[] }>('/v1/pacts/first/knowledge?topic=kept')
  await daemon.stop()
  expect(page.body.entries).toHaveLength(1)
}
