/** `openpact start`: the daemon, detached by default. */
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { openLog } from '../../kernel/host/log.ts'
import { joining } from '../../plugins/invites/service.ts'
import type { Daemon } from '../daemon.ts'
import { asFailure, renderFailure } from '../errors.ts'
import { quoted } from '../hints.ts'
import type { Report } from '../launch.ts'
import { LogFile } from '../log-file.ts'
import { acceptMoved } from '../moved.ts'
import { runningDaemon } from '../place.ts'
import { withProgress } from '../progress.ts'
import type { Session } from '../session.ts'
import { plain } from '../table.ts'
import { notOpen } from './status.ts'

interface StartFlags {
  foreground?: boolean
  firstPact?: boolean
  moved?: boolean
  temporary?: boolean
}

export function startCommand(program: Command, session: () => Session): void {
  program
    .command('start')
    .summary('start the daemon')
    .description('Start the daemon. It runs in the background and this command ends once it answers.')
    .option('--foreground', 'stay in the foreground until Ctrl-C')
    .option('--moved', 'this directory was moved or copied here, and the original is never started again')
    .option('--first-pact', 'with --foreground: create a pact if there is none, and say how to use it')
    .addOption(program.createOption('--temporary', 'end with the process that started it').hideHelp())
    .action((flags: StartFlags) => {
      if (flags.moved && !runningDaemon(session().place)) acceptMoved(session().place)
      return flags.foreground ? foreground(session(), flags) : detached(session())
    })
}

async function detached(shell: Session): Promise<void> {
  const running = runningDaemon(shell.place)
  if (running) throw new OpenPactError('DAEMON_RUNNING', { ...running })
  const { record, notOpen: closed, notLoaded } = await shell.start({})
  const words = `The daemon runs in the background (process ${record.pid}) and listens on ${record.url}.`
  shell.say([words, ...holdsOnce(shell), ...notLoaded, ...closed].join('\n'), {
    ...record,
    not_open: closed,
    not_loaded: notLoaded,
  })
}

/** Whoever keeps to a private network must not be on the public one after the next start. */
function holdsOnce({ flags: { bootstrap, bind } }: Session): string[] {
  const given = [bootstrap && '--bootstrap', bind && '--bind'].filter(Boolean).join(' and ')
  return given ? [`${given} held for this start; what is to stay stands in openpact.config.json (see the README).`] : []
}

async function foreground(shell: Session, flags: StartFlags): Promise<void> {
  // Here and not above: no other command should load all plugins.
  const { daemonEnded, onCrash, startDaemon } = await import('../daemon.ts')
  const report = (message: Report) =>
    new Promise<void>(resolve => {
      if (process.connected && process.send) process.send(message, () => resolve())
      else resolve()
    })
  const fail = (error: unknown) => report({ state: 'failed', failure: asFailure(error) })
  onCrash(error => {
    const crash = new OpenPactError('DAEMON_CRASHED', {}, { cause: error })
    openLog({ streams: [new LogFile(shell.place.logFile)] }).error('daemon crashed', { error: crash })
    process.stderr.write(renderFailure(asFailure(crash), shell.flags))
    void fail(crash).then(() => process.exit(1))
  })
  const stop = new AbortController()
  if (flags.temporary) process.once('disconnect', () => stop.abort())
  let doing = 'Starting'
  const options = {
    place: shell.place,
    config: shell.flags.config,
    port: shell.flags.port === undefined ? undefined : shell.port(),
    bootstrap: shell.flags.bootstrap,
    bind: shell.flags.bind,
    firstPact: flags.firstPact,
    onprogress: (text: string) => {
      doing = text
      void report({ state: 'starting', text })
    },
    onconfig: (file: string | null) => {
      if (file !== null) doing = `Evaluating ${file}`
      return report({ state: 'configuring', file })
    },
    watch: { write: printWarnings },
  }
  let daemon: Daemon
  try {
    daemon = await withProgress(
      () => doing,
      process.send !== undefined || shell.json,
      () => startDaemon(options),
    )
  } catch (error) {
    await fail(error)
    throw error
  }
  const ended = daemonEnded(daemon, stop.signal)
  await report({ state: 'ready', record: daemon.record, notOpen: closedPacts(daemon), notLoaded: notLoaded(daemon) })
  if (process.connected && !flags.temporary) process.disconnect()
  shell.say(welcome(daemon, shell), daemon.record)
  process.exit(await ended)
}

function welcome(daemon: Daemon, shell: Session): string {
  const { url } = daemon.record
  const pact = daemon.kernel.pacts.list()[0]
  const lines = [
    `OpenPact ${daemon.record.version} listens on ${url} (data in ${shell.place.dataDir}). Ctrl-C ends it.`,
  ]
  lines.push(...notLoaded(daemon))
  const closed = closedPacts(daemon)
  lines.push(...closed)
  if (!pact && closed.length > 0) return lines.join('\n')
  if (!pact && isJoining(daemon))
    return `${lines.join('\n')}\nIn no pact yet, but on the way: \`openpact status\` says what is waited for.`
  if (!pact)
    return `${lines.join('\n')}\nThere is no pact yet: create one with \`openpact init\`, or join one with \`openpact join <token>\`.`
  const token = `"Authorization: Bearer $(cat ${quoted(shell.place.tokenFile)})"`
  const at = `${url}/v1/pacts/${encodeURIComponent(pact.alias)}/knowledge`
  lines.push(
    '',
    `Write to the pact "${pact.alias}":`,
    `  curl -s ${quoted(at)} -H ${token} -H 'Content-Type: application/json' -d '{"topic":"hello","content":"The first shared fact.","source":"me"}'`,
    '',
    'Read it back:',
    `  curl -s ${quoted(at)} -H ${token}`,
  )
  return lines.join('\n')
}

function isJoining({ kernel }: Daemon): boolean {
  try {
    return kernel.use(joining).list().length > 0
  } catch {
    // Without the plugin nobody joins.
    return false
  }
}

/** The pacts that are here and cannot be opened, with the cure of each. */
function closedPacts({ kernel }: Daemon): string[] {
  return [...kernel.pacts.failed].map(([id, { code, message, help }]) => notOpen({ id, code, message, help }))
}

/** Plugins that are not running although the configuration wants them; those that are not optional keep the daemon from starting. */
function notLoaded({ kernel }: Daemon): string[] {
  return kernel
    .plugins()
    .filter(({ state }) => state === 'failed')
    .map(({ name, error }) => `The plugin "${name}" is not running: ${error}`)
}

/** In the foreground, what the log says from warnings upwards is shown as a line of words. */
function printWarnings(line: string): void {
  const { level, plugin, message, ...fields } = JSON.parse(line) as Record<string, string | undefined>
  if (level !== 'warn' && level !== 'error') return
  const why = fields.reason ?? wordsOf(fields.error) ?? wordsOf(fields.cause)
  process.stderr.write(
    `${[level, plugin, message, why]
      .filter(part => part !== undefined)
      .map(plain)
      .join(': ')}\n`,
  )
}

/** What an error in the log says, which is one as text or with its parts. */
function wordsOf(error: unknown): string | undefined {
  if (typeof error === 'string') return error
  const { message } = (error ?? {}) as { message?: string }
  return message
}
