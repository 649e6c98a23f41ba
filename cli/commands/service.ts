/** `openpact service`: the daemon as a service of this user, from login on. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { runningDaemon } from '../place.ts'
import {
  reachable,
  removeService,
  runStep,
  type ServiceManager,
  serviceManager,
  showStep,
  started,
  words,
  writeService,
} from '../service-manager.ts'
import type { Session } from '../session.ts'

interface DryRun {
  dryRun?: boolean
}

export function serviceCommand(program: Command, session: () => Session): void {
  const service = program
    .command('service')
    .summary('run the daemon as a service: install, status, logs, uninstall')
    .description('Run the daemon as a service of this user: a systemd user unit on Linux, a launchd agent on macOS.')
  const dryRun = ['--dry-run', 'print what would be done, and do nothing'] as const
  service
    .command('install')
    .summary('install and start the service')
    .description(
      'Install the service and start it now and at every login. The flags --data-dir, --config, --port, --bootstrap and --bind become its own, and the PATH of this shell. On Linux it ends when you log out, unless `loginctl enable-linger` lets it run on.',
    )
    .option(...dryRun)
    .action((flags: DryRun) => install(session(), flags))
  service
    .command('status')
    .summary('how the service is doing')
    .description('How the service is doing, as its manager says.')
    .action(() => status(session()))
  service
    .command('logs')
    .summary('what the service printed')
    .description(
      'Print what the service printed. The log of the daemon itself is logs/daemon.log in the data directory.',
    )
    .option('-n, --lines <number>', 'how many lines', '50')
    .option('-f, --follow', 'go on until Ctrl-C')
    .action((flags: { lines: string; follow?: boolean }) => logs(session(), flags))
  service
    .command('uninstall')
    .summary('stop and remove the service')
    .description('Stop the service and remove it. The data stays.')
    .option(...dryRun)
    .action((flags: DryRun) => uninstall(session(), flags))
}

async function install(shell: Session, { dryRun }: DryRun): Promise<void> {
  const manager = managerOf(shell)
  const { file } = manager
  if (dryRun) {
    const steps = manager.install.map(words)
    return shell.say(`# ${file.path}\n${file.text}\n# then\n${steps.join('\n')}`, {
      path: file.path,
      text: file.text,
      steps,
    })
  }
  if (/[\\/]_npx[\\/]/.test(file.text)) throw new OpenPactError('SERVICE_TRANSIENT')
  await reachable(manager)
  const running = runningDaemon(shell.place)
  // Two daemons cannot have one directory; the service's own is restarted.
  if (running && !existsSync(file.path)) throw new OpenPactError('DAEMON_RUNNING', { ...running })
  await mkdir(dirname(shell.place.logFile), { recursive: true, mode: 0o700 })
  const { url } = await shell.progress('Installing the service', async () => {
    await writeService(file)
    for (const step of manager.install) await runStep(step)
    return started(manager, () => runningDaemon(shell.place))
  })
  shell.say(`Installed ${file.name} (${file.path}); it runs now, listens on ${url}, and starts at every login.`, {
    name: file.name,
    path: file.path,
    url,
  })
}

async function status(shell: Session): Promise<void> {
  const manager = installed(shell)
  await reachable(manager)
  if (!shell.json) {
    process.exitCode = (await showStep(manager.status)) === 0 ? 0 : 7
    return
  }
  const told = await runStep({ ...manager.status, optional: true })
  shell.print({
    name: manager.file.name,
    path: manager.file.path,
    running: runningDaemon(shell.place) !== null,
    status: told,
  })
}

async function logs(shell: Session, { lines, follow = false }: { lines: string; follow?: boolean }): Promise<void> {
  if (!/^[1-9]\d{0,5}$/.test(lines)) {
    throw new OpenPactError('USAGE', { reason: `--lines ${lines} is not possible`, hint: 'Use a whole number from 1.' })
  }
  const code = await showStep(installed(shell).logs(Number(lines), follow))
  if (code !== 0) process.exitCode = 7
}

async function uninstall(shell: Session, { dryRun }: DryRun): Promise<void> {
  const manager = managerOf(shell)
  const { file } = manager
  if (dryRun) {
    const steps = [...manager.uninstall.map(words), `rm ${file.path}`, ...manager.forget.map(words)]
    return shell.say(steps.join('\n'), { path: file.path, steps })
  }
  installed(shell)
  await reachable(manager)
  await shell.progress('Removing the service', async () => {
    for (const step of manager.uninstall) await runStep(step)
    await removeService(file)
    for (const step of manager.forget) await runStep(step)
  })
  shell.say(`Removed ${file.name}. The data in ${shell.place.dataDir} stays.`, { name: file.name, path: file.path })
}

/** @throws OpenPactError SERVICE_NOT_INSTALLED */
function installed(shell: Session): ServiceManager {
  const manager = managerOf(shell)
  if (!existsSync(manager.file.path)) throw new OpenPactError('SERVICE_NOT_INSTALLED', { path: manager.file.path })
  return manager
}

/** @throws OpenPactError SERVICE_UNSUPPORTED */
function managerOf(shell: Session): ServiceManager {
  const { config, port, bootstrap, bind } = shell.flags
  const flags = Object.entries({
    '--config': config && resolve(config),
    '--port': port,
    '--bootstrap': bootstrap,
    '--bind': bind,
  })
  return serviceManager(process.platform, {
    home: homedir(),
    configHome: process.env.XDG_CONFIG_HOME,
    node: process.execPath,
    main: fileURLToPath(new URL('../main.js', import.meta.url)),
    dataDir: shell.place.dataDir,
    path: process.env.PATH ?? '',
    flags: flags.flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
  })
}
