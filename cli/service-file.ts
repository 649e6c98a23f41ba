/** What the two service managers want to read, and where: systemd user units on Linux, launchd agents on macOS. */
import { join } from 'node:path'

export interface ServiceWishes {
  /** Folder of the user. */
  home: string
  /** `$XDG_CONFIG_HOME`, where it is set. */
  configHome?: string | undefined
  /** Absolute path of the Node that runs it. */
  node: string
  /** Absolute path of the program, `dist/cli/main.js`. */
  main: string
  dataDir: string
  /** `$PATH` of who installs: service managers give a short one, without the programs that triggers start. */
  path: string
  /** Further flags of `openpact start`. */
  flags: readonly string[]
}

export interface ServiceFile {
  /** Name by which the manager knows it. */
  name: string
  path: string
  text: string
}

export const unitName = 'openpact.service'
export const agentName = 'network.openpact.daemon'

/** The unit of a systemd that runs for this user. */
export function systemdUnit(wishes: ServiceWishes): ServiceFile {
  const folder = join(wishes.configHome || join(wishes.home, '.config'), 'systemd', 'user')
  const text = `[Unit]
Description=OpenPact daemon
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
ExecStart=${commandOf(wishes)
    .map(word => systemdWord(word).replaceAll('$', '$$$$'))
    .join(' ')}
Environment=${systemdWord(`PATH=${wishes.path}`)}
Restart=on-failure
RestartSec=5
# Closing quiesces every pact; the daemon itself gives up after 30 s.
TimeoutStopSec=40
UMask=0077
NoNewPrivileges=true

[Install]
WantedBy=default.target
`
  return { name: unitName, path: join(folder, unitName), text }
}

/** The agent of a launchd, loaded when this user logs in. */
export function launchdAgent(wishes: ServiceWishes): ServiceFile {
  const log = join(wishes.dataDir, 'logs', 'service.log')
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${agentName}</string>
  <key>ProgramArguments</key>
  <array>
${commandOf(wishes)
  .map(word => `    <string>${xml(word)}</string>`)
  .join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    <string>${xml(wishes.path)}</string>
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>5</integer>
  <key>ExitTimeOut</key>
  <integer>40</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>${xml(log)}</string>
  <key>StandardErrorPath</key>
  <string>${xml(log)}</string>
</dict>
</plist>
`
  return { name: agentName, path: join(wishes.home, 'Library', 'LaunchAgents', `${agentName}.plist`), text }
}

function commandOf({ node, main, dataDir, flags }: ServiceWishes): string[] {
  return [node, main, 'start', '--foreground', '--data-dir', dataDir, ...flags]
}

/** systemd expands `%` and reads backslashes and quotes, also inside quotes; in a command it expands `$` as well. */
function systemdWord(word: string): string {
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')
  return `"${escaped}"`
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
