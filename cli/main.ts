#!/usr/bin/env node
/** The `openpact` command. */
import { Command, CommanderError } from 'commander'
import { OpenPactError } from '../kernel/errors.ts'
import { near } from '../kernel/host/near.ts'
import { backupCommand, restoreCommand } from './commands/backup.ts'
import { callCommand } from './commands/call.ts'
import { completionCommand } from './commands/completion.ts'
import { dhtCommand } from './commands/dht.ts'
import { doctorCommand } from './commands/doctor.ts'
import { hookCommand } from './commands/hook.ts'
import { initCommand } from './commands/init.ts'
import { installCommand, uninstallCommand } from './commands/install.ts'
import { joinCommand } from './commands/join.ts'
import { logCommand } from './commands/log.ts'
import { logsCommand } from './commands/logs.ts'
import { mcpCommand } from './commands/mcp.ts'
import { pluginsCommand } from './commands/plugins.ts'
import { serviceCommand } from './commands/service.ts'
import { startCommand } from './commands/start.ts'
import { statusCommand } from './commands/status.ts'
import { stopCommand } from './commands/stop.ts'
import { triggersCommand } from './commands/triggers.ts'
import { wordsCommand } from './commands/words.ts'
import { asFailure, exitCode, renderFailure } from './errors.ts'
import { addOperations } from './generated.ts'
import { knownOperations, type OperationInfo } from './known-operations.ts'
import { type Flags, Session } from './session.ts'
import { ownVersion } from './version.ts'

const own = [
  initCommand,
  startCommand,
  stopCommand,
  statusCommand,
  joinCommand,
  logCommand,
  logsCommand,
  pluginsCommand,
  doctorCommand,
  callCommand,
  serviceCommand,
  completionCommand,
  mcpCommand,
  installCommand,
  uninstallCommand,
  hookCommand,
  dhtCommand,
  backupCommand,
  restoreCommand,
  triggersCommand,
  wordsCommand,
]

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('openpact')
  program
    .description('A shared, signed memory and a way to divide work for software agents.')
    .version(ownVersion(), '-V, --version', 'print the version')
    .option('--data-dir <dir>', 'data directory (OPENPACT_HOME, ~/.openpact)')
    .option('--config <file>', 'configuration file (openpact.config.* in the data directory)')
    .option('--port <port>', 'port of the daemon on this machine (6736); of the node for `dht`')
    .option('--bootstrap <host:port>', 'nodes that a private network starts from, separated by commas')
    .option('--bind <address>', 'address for traffic between machines, e.g. 127.0.0.1')
    .option('--pact <alias>', 'the pact that is meant (OPENPACT_PACT, the active one)')
    .option('--json', 'answer in JSON')
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: true })
  const session = () => new Session(program.opts<Flags>())
  for (const add of own) add(program, session)
  const operations = needsOperations(program, argv) ? await knownOperations(new Session(earlyFlags(argv))) : []
  addOperations(program, operations, session)
  for (const command of everyCommand(program)) {
    command.copyInheritedSettings(program).exitOverride(error => {
      throw usage(error, command, operations)
    })
    refuseHelpOnUnknown(command, operations)
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    throw error instanceof CommanderError ? usage(error, program, operations) : error
  }
}

/** A command of its own, or the version, asked for plainly: loading every plugin's declarations would take longer than the command. */
function needsOperations(program: Command, argv: readonly string[]): boolean {
  if (argv.some(word => word === '--version' || word === '-V')) return false
  let at = 0
  while (argv[at]?.startsWith('-')) {
    const option = program.options.find(({ short, long }) => argv[at] === short || argv[at] === long)
    at += option?.required ? 2 : 1
  }
  // Completion tells of all commands; generated ones stand beside `backup verify` and `triggers approve`.
  return (
    !program.commands.some(each => each.name() === argv[at]) ||
    ['completion', 'backup', 'triggers'].includes(argv[at] as string)
  )
}

/** The flags that are needed before all commands are known, and where parsing failed: the last of each, as commander takes it. */
function earlyFlags(argv: readonly string[]): Flags {
  const given = (flag: string) => {
    const at = argv.findLastIndex(word => word === flag || word.startsWith(`${flag}=`))
    return argv[at] === flag ? argv[at + 1] : argv[at]?.slice(flag.length + 1)
  }
  return { dataDir: given('--data-dir'), pact: given('--pact'), json: argv.includes('--json') }
}

function everyCommand(parent: Command): Command[] {
  return [parent, ...parent.commands.flatMap(everyCommand)]
}

/** `openpact nosuch --help` asks for the help of something that does not exist: saying so is the answer, not other help. */
function refuseHelpOnUnknown(command: Command, operations: readonly OperationInfo[]): void {
  if (command.commands.length === 0 || command.registeredArguments.length > 0) return
  const known = command.commands.map(each => each.name())
  command.addHelpText('before', () => {
    const [word = ''] = command.args.filter(arg => arg !== 'help')
    if (word === '' || word.startsWith('-') || known.includes(word)) return ''
    throw usage(new CommanderError(2, 'commander.unknownCommand', `unknown command '${word}'`), command, operations)
  })
}

/** Words by which a command is called. */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

/** Help and version are no failures; a mistyped command line is one of ours. */
function usage(error: CommanderError, command: Command, operations: readonly OperationInfo[]): unknown {
  if (error.exitCode === 0 || error.code === 'commander.help') return error
  const reason = error.message.replace(/^error: /, '') + suggestion(error, command, operations)
  return new OpenPactError('USAGE', { reason, hint: `See \`${pathOf(command)} --help\`.` })
}

/** What may be meant by an unknown word: a name near to it, or the verb of the operation that has this name (`task create` is `task add`). */
function suggestion({ code, message }: CommanderError, command: Command, operations: readonly OperationInfo[]): string {
  const [, word = ''] = /'([^']+)'/.exec(message) ?? []
  if (code === 'commander.unknownOption') {
    const options = [command, ...ancestors(command)].flatMap(each => each.options.map(({ long }) => long ?? ''))
    return inBrackets(near(word, options))
  }
  if (code !== 'commander.unknownCommand') return ''
  const names = command.commands.map(each => each.name())
  const path = pathOf(command).split(' ').slice(1).join(' ')
  const named = operations.find(({ name, cli }) => cli?.path.startsWith(`${path} `) && name.endsWith(`.${word}`))
  return inBrackets(named ? ` Did you mean "${named.cli?.path}"?` : near(word, names))
}

function ancestors({ parent }: Command): Command[] {
  return parent ? [parent, ...ancestors(parent)] : []
}

function inBrackets(text: string): string {
  return text.replace(/^ (.*)$/, ' ($1)').replaceAll('"', '')
}

// A stream whose reader is gone, or whose disk is full, must not end the daemon.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : exitCode('invalid')
  } else {
    const failure = asFailure(error)
    if (failure.code === 'INTERNAL' && process.env.OPENPACT_DEBUG) console.error(error)
    const text = renderFailure(failure, earlyFlags(process.argv.slice(2)))
    // What failed may have left sockets open: nothing waits for them. What was said before is written out first.
    process.stdout.write('', () => process.stderr.write(text, () => process.exit(exitCode(failure.kind))))
  }
}
