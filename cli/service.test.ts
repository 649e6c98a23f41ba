/** What the service managers are given. That systemd does with it what is meant was tried with a user manager. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import './errors.ts'
import { launchdAgent, systemdUnit } from './service-file.ts'
import { runStep, type ServiceManager, serviceManager, started, words } from './service-manager.ts'

const wishes = {
  home: '/home/ann',
  node: '/usr/bin/node',
  main: '/opt/open pact/main.js',
  dataDir: '/home/ann/100% <mine> & "$HOME"',
  path: '/home/ann/$bin & 5%:/usr/bin',
  flags: ['--port', '7000'],
}

it('writes a systemd unit whose words stay what they are', () => {
  const { path, text } = systemdUnit(wishes)
  expect(path).toBe('/home/ann/.config/systemd/user/openpact.service')
  expect(systemdUnit({ ...wishes, configHome: '/cfg' }).path).toBe('/cfg/systemd/user/openpact.service')
  expect(text).toContain(
    'ExecStart="/usr/bin/node" "/opt/open pact/main.js" "start" "--foreground" ' +
      '"--data-dir" "/home/ann/100%% <mine> & \\"$$HOME\\"" "--port" "7000"\n',
  )
  expect(text).toContain('Environment="PATH=/home/ann/$bin & 5%%:/usr/bin"\n')
  expect(text).toMatch(/^Restart=on-failure$/m)
  expect(text).toMatch(/^WantedBy=default\.target$/m)
})

it('writes a launchd agent that a parser of property lists reads as what was meant', () => {
  const { path, text } = launchdAgent(wishes)
  expect(path).toBe('/home/ann/Library/LaunchAgents/network.openpact.daemon.plist')
  const parse = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))'
  const { node, main, dataDir } = wishes
  expect(JSON.parse(execFileSync('python3', ['-c', parse], { input: text, encoding: 'utf8' }))).toEqual({
    Label: 'network.openpact.daemon',
    ProgramArguments: [node, main, 'start', '--foreground', '--data-dir', dataDir, '--port', '7000'],
    EnvironmentVariables: { PATH: wishes.path },
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 5,
    ExitTimeOut: 40,
    Umask: 0o077,
    StandardOutPath: `${dataDir}/logs/service.log`,
    StandardErrorPath: `${dataDir}/logs/service.log`,
  })
})

it('knows the steps of either manager, and says so where there is none', async () => {
  const systemd = serviceManager('linux', wishes)
  expect(systemd.install.map(words)).toEqual([
    'systemctl --user daemon-reload',
    'systemctl --user enable openpact.service',
    'systemctl --user reset-failed openpact.service',
    'systemctl --user restart openpact.service',
  ])
  expect(words(systemd.logs(20, true))).toBe('journalctl --user --unit openpact.service --lines 20 --follow')
  const launchd = serviceManager('darwin', wishes)
  expect(words(launchd.install.at(-1)!)).toMatch(/^launchctl bootstrap gui\/\d+ .*network\.openpact\.daemon\.plist$/)
  expect(() => serviceManager('win32', wishes)).toThrow(expect.objectContaining({ code: 'SERVICE_UNSUPPORTED' }))
  const missing = runStep({ command: '/nonexistent/systemctl', args: [] })
  await expect(missing).rejects.toMatchObject({ code: 'SERVICE_MANAGER_MISSING', kind: 'unavailable' })
  const failing = { command: process.execPath, args: ['-e', 'console.error("no bus"); process.exit(3)'] }
  await expect(runStep(failing)).rejects.toMatchObject({
    code: 'SERVICE_FAILED',
    message: expect.stringContaining('no bus'),
  })
  expect(await runStep({ ...failing, optional: true })).toBe('no bus\n')
})

it('repeats a step until what it shows is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'openpact-service-'))
  try {
    // Three directories, one less each time it is asked.
    execFileSync('mkdir', ['-p', join(folder, '1'), join(folder, '2'), join(folder, '3')])
    const shrinking = { command: 'sh', args: ['-c', `rmdir "$(ls -d ${folder}/* | tail -n 1)"`], untilGone: true }
    await runStep(shrinking)
    expect(() => execFileSync('ls', [join(folder, '1')], { stdio: 'ignore' })).toThrow()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('calls a service started when the daemon answers, and failed when its process ends before', async () => {
  const says = (code: number) =>
    ({
      status: { command: 'sh', args: ['-c', `exit ${code}`] },
      install: [{ command: 'load', args: [] }],
    }) as unknown as ServiceManager
  let asked = 0
  expect(await started(says(0), () => (++asked < 3 ? null : 'here'))).toBe('here')
  await expect(started(says(3), () => null)).rejects.toMatchObject({
    code: 'SERVICE_FAILED',
    message: '`load` failed: the daemon ended while it started',
  })
})
