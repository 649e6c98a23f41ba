/** What the service managers are given. That they take it was tried with systemd-analyze and a plist parser. */
import { expect, it } from 'vitest'
import './errors.ts'
import { launchdAgent, systemdUnit } from './service-file.ts'
import { runStep, serviceManager, words } from './service-manager.ts'

const wishes = {
  home: '/home/ann',
  node: '/usr/bin/node',
  main: '/opt/open pact/main.js',
  dataDir: '/home/ann/100% <mine> & "$HOME"',
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
  expect(text).toMatch(/^Restart=on-failure$/m)
  expect(text).toMatch(/^WantedBy=default\.target$/m)
})

it('writes a launchd agent in valid XML', () => {
  const { path, text } = launchdAgent(wishes)
  expect(path).toBe('/home/ann/Library/LaunchAgents/network.openpact.daemon.plist')
  expect(text).toContain('<string>/home/ann/100% &lt;mine&gt; &amp; "$HOME"</string>')
  expect(text).not.toContain('<mine>')
  expect(text).toContain('<string>network.openpact.daemon</string>')
})

it('knows the steps of either manager, and says so where there is none', async () => {
  const systemd = serviceManager('linux', wishes)
  expect(systemd.install.map(words)).toEqual([
    'systemctl --user daemon-reload',
    'systemctl --user enable openpact.service',
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
