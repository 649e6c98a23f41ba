#!/usr/bin/env node
/** The `openpact` command. */
import { Command, CommanderError } from 'commander'
import { OpenPactError } from '../kernel/errors.ts'
import { dhtCommand } from './commands/dht.ts'
import { doctorCommand } from './commands/doctor.ts'
import { initCommand } from './commands/init.ts'
import { joinCommand } from './commands/join.ts'
import { logCommand } from './commands/log.ts'
import { pluginsCommand } from './commands/plugins.ts'
import { startCommand } from './commands/start.ts'
import { statusCommand } from './commands/status.ts'
import { stopCommand } from './commands/stop.ts'
import { asFailure, exitCode, renderFailure } from './errors.ts'
import { addOperations, knownOperations } from './generated.ts'
import { type Flags, Session } from './session.ts'
import { ownVersion } from './version.ts'

const own = [
  initCommand,
  startCommand,
  stopCommand,
  statusCommand,
  joinCommand,
  logCommand,
  pluginsCommand,
  doctorCommand,
  dhtCommand,
]

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('openpact')
  program
    .description('A shared, signed memory and a way to divide work for software agents.')
    .version(ownVersion(), '-V, --version', 'print the version')
    .option('--data-dir <dir>', 'data directory (OPENPACT_HOME, ~/.openpact)')
    .option('--config <file>', 'configuration file (openpact.config.* in the data directory)')
    .option('--port <port>', 'port of the HTTP door; of the node for `dht`')
    .option('--bootstrap <host:port>', 'nodes that a private network starts from, separated by commas')
    .option('--bind <address>', 'address for traffic between machines, e.g. 127.0.0.1')
    .option('--pact <alias>', 'the pact that is meant (the active one)')
    .option('--json', 'answer in JSON')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  const session = () => new Session(program.opts<Flags>())
  for (const add of own) add(program, session)
  const early = new Session(earlyFlags(argv))
  addOperations(program, await knownOperations(early), session)
  for (const command of everyCommand(program)) command.exitOverride().copyInheritedSettings(program)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    throw error instanceof CommanderError ? usage(error) : error
  }
}

/** Where the operations are cached depends on flags that are parsed only when all commands are known. */
function earlyFlags(argv: readonly string[]): Flags {
  const at = argv.indexOf('--data-dir')
  const joined = argv.find(word => word.startsWith('--data-dir='))
  const dataDir = at >= 0 ? argv[at + 1] : joined?.slice('--data-dir='.length)
  return dataDir === undefined ? {} : { dataDir }
}

function everyCommand(parent: Command): Command[] {
  return parent.commands.flatMap(command => [command, ...everyCommand(command)])
}

/** Help and version are no failures; a mistyped command line is one of ours. */
function usage(error: CommanderError): unknown {
  if (error.exitCode === 0 || error.code === 'commander.help') return error
  const reason = error.message.replace(/^error: /, '').replace(/\n\(/, ' (')
  return new OpenPactError('USAGE', { reason, hint: 'See `openpact --help`.' })
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
    const text = renderFailure(failure, process.argv.includes('--json'))
    // What failed may have left sockets open: nothing waits for them. What was said before is written out first.
    process.stdout.write('', () => process.stderr.write(text, () => process.exit(exitCode(failure.kind))))
  }
}
