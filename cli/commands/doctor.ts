/** `openpact doctor`: looks at everything a daemon needs and says in plain words what to do. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Command } from 'commander'
import { DATA_FORMAT } from '../../kernel/host/data-dir.ts'
import { DiskSpace, diskFinding } from '../../plugins/health/disk.ts'
import type { Finding } from '../../plugins/operations/health.ts'
import { asFailure, type Failure, failureWords } from '../errors.ts'
import type { DaemonRecord } from '../place.ts'
import type { Session } from '../session.ts'
import { plain } from '../table.ts'
import { ownVersion } from '../version.ts'
import { newest } from './logs.ts'
import { healthOf, type MachineStatus, networkWords } from './status.ts'

/** Lines of the log with the error for which a daemon ended. */
const ends = ['daemon could not start', 'daemon crashed']

const marks = { ok: 'ok  ', advice: 'note', fault: 'FAIL' }

export function doctorCommand(program: Command, session: () => Session): void {
  program
    .command('doctor')
    .summary('check this machine and say what to do')
    .description(
      'Check data directory, permissions, disk, port, versions and every pact; say in plain words what to do.',
    )
    .action(async () => {
      const shell = session()
      const daemon = await shell.progress('Checking the daemon and its pacts', () => checkDaemon(shell))
      const disk = daemon.some(({ about }) => about === 'Disk') ? [] : await checkDisk(shell)
      const findings = [...checkMachine(shell), ...disk, ...daemon].map(finding => ({
        ...finding,
        words: shell.hinting(finding.words),
      }))
      const ok = findings.every(({ level }) => level !== 'fault')
      if (shell.json) shell.print({ ok, findings })
      else
        shell.write(findings.map(({ level, about, words }) => plain(`${marks[level]}  ${about}: ${words}\n`)).join(''))
      if (!ok) process.exitCode = 1
    })
}

function checkMachine(shell: Session): Finding[] {
  return [checkNode(), ...checkDirectory(shell)]
}

function checkNode(): Finding {
  const { node } = process.versions
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const fits = major > 20 || (major === 20 && minor >= 19)
  const words = fits ? `version ${node}` : `version ${node} is too old; install 20.19 or newer`
  return { level: fits ? 'ok' : 'fault', about: 'Node', words }
}

function checkDirectory(shell: Session): Finding[] {
  const { dataDir, tokenFile } = shell.place
  const about = 'Data directory'
  const found = statSync(dataDir, { throwIfNoEntry: false })
  if (!found) return [{ level: 'advice', about, words: `${dataDir} does not exist yet; \`openpact start\` makes it` }]
  if (!found.isDirectory())
    return [{ level: 'fault', about, words: `${dataDir} is a file; choose another with --data-dir` }]
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return [
      {
        level: 'fault',
        about,
        words: `${dataDir} cannot be written by you; change its owner or choose another with --data-dir`,
      },
    ]
  }
  return [
    { level: 'ok', about, words: dataDir },
    checkFormat(dataDir),
    checkPrivate('Access to the data directory', dataDir),
    ...(statSync(tokenFile, { throwIfNoEntry: false }) ? [checkPrivate('Access to the token', tokenFile)] : []),
  ]
}

function checkFormat(dataDir: string): Finding {
  let format: string
  try {
    format = readFileSync(join(dataDir, 'format'), 'utf8').trim()
  } catch {
    return { level: 'advice', about: 'Format', words: 'no daemon has used this directory yet' }
  }
  if (!/^\d+$/.test(format))
    return {
      level: 'fault',
      about: 'Format',
      words: `the file ${join(dataDir, 'format')} is damaged: write ${DATA_FORMAT} into it`,
    }
  const fits = Number(format) <= DATA_FORMAT
  const words = fits
    ? `${format}, which this version knows`
    : `${format} is newer than this version knows (${DATA_FORMAT}); update OpenPact`
  return { level: fits ? 'ok' : 'fault', about: 'Format', words }
}

function checkPrivate(about: string, path: string): Finding {
  const others = (statSync(path).mode & 0o077) !== 0
  if (!others) return { level: 'ok', about, words: 'yours alone' }
  return { level: 'fault', about, words: `others on this machine can get at ${path}; run \`chmod go-rwx ${path}\`` }
}

/** A daemon tells of its disk itself. */
async function checkDisk({ place: { dataDir } }: Session): Promise<Finding[]> {
  return new DiskSpace(dataDir).space().then(
    space => [diskFinding(space)],
    () => [],
  )
}

async function checkDaemon(shell: Session): Promise<Finding[]> {
  const down = async () => [await checkPort(shell), checkLastStart(shell)]
  const daemon = shell.daemon()
  try {
    if (!daemon) return await down()
    const client = shell.client()
    const { body: machine } = await client.get<MachineStatus>('/v1/status')
    return [checkVersion(daemon, machine), checkNetwork(machine), ...joinFindings(machine), ...(await healthOf(client))]
  } catch (error) {
    const failure = asFailure(error)
    if (failure.code === 'DAEMON_DOWN') return down()
    return [{ level: 'fault', about: 'Daemon', words: failureWords(failure) }]
  }
}

/** Why there is no daemon: one that could not start, or crashed, wrote it into its log. What it reports once it answers is newer than that. */
function checkLastStart({ place }: Session): Finding {
  const about = 'Daemon'
  const answered = statSync(place.pluginsFile, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const [end] = newest(place.logFile, 1, ({ fields }) => ends.includes(String(fields.message)))
  const { time, error } = (end?.fields ?? {}) as { time?: string; error?: Failure }
  if (!time || !error || Date.parse(time) <= answered)
    return { level: 'advice', about, words: 'not running; `openpact start` starts it' }
  return { level: 'fault', about, words: `not running; it ended at ${time}. ${failureWords(error)}` }
}

/** Whether a daemon would get its port: the one that is named, or the default. The configuration is not read here. */
async function checkPort(shell: Session): Promise<Finding> {
  const { DEFAULT_PORT } = await import('../../plugins/http/config.ts')
  const port = shell.flags.port === undefined ? DEFAULT_PORT : shell.port()
  const free = await new Promise<boolean>(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
  if (free) return { level: 'ok', about: 'Port', words: `${port} is free` }
  const words = `${port} is taken by another program; choose another with --port (0 takes any free one)`
  return { level: 'fault', about: 'Port', words }
}

function checkVersion({ url }: DaemonRecord, { version }: MachineStatus): Finding {
  const own = ownVersion()
  if (version === own) return { level: 'ok', about: 'Daemon', words: `answers at ${url}, version ${version}` }
  const words = `answers at ${url} with version ${version}, this command is ${own}; restart it with \`openpact stop\` and \`openpact start\``
  return { level: 'advice', about: 'Daemon', words }
}

function checkNetwork({ network }: MachineStatus): Finding {
  const alone = !network.online || (network.nodes === 0 && network.connections === 0)
  const via = network.bootstrap && !alone ? ` (bootstrap ${network.bootstrap.join(', ')})` : ''
  return { level: alone ? 'advice' : 'ok', about: 'Network', words: networkWords(network) + via }
}

function joinFindings({ joining }: MachineStatus): Finding[] {
  return joining.map(({ alias, state, words }) => ({
    level: 'advice',
    about: `Joining ${alias ?? 'a pact'}`,
    words: `${state}: ${words}`,
  }))
}
