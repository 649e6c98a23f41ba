/** `openpact init`: a first or further pact on this machine, whether or not a daemon runs. */
import type { Command } from 'commander'
import { runningDaemon } from '../place.ts'
import type { PactLine, Session } from '../session.ts'

interface InitFlags {
  name?: string
  alias?: string
  purpose?: string
}

export function initCommand(program: Command, session: () => Session): void {
  program
    .command('init')
    .summary('create a pact on this machine')
    .description('Create a pact on this machine. Works whether or not a daemon runs.')
    .option('--name <name>', 'name of the pact, shown to its members')
    .option('--alias <alias>', 'short name on this machine')
    .option('--purpose <text>', 'what the pact is for')
    .action(async (flags: InitFlags) => {
      const shell = session()
      const running = runningDaemon(shell.place) !== null
      const pact = await shell.withDaemon(async client => {
        const name = flags.name ?? flags.alias ?? 'First pact'
        const body = { name, alias: flags.alias, purpose: flags.purpose }
        return (await shell.progress('Creating the pact', () => client.post<PactLine>('/v1/pacts', body))).body
      })
      const next = running ? '' : '\nStart the daemon with `openpact start`.'
      shell.say(
        `Created the pact "${pact.name}" (alias ${pact.alias}).${next}\n` +
          'Invite another machine with `openpact invite`; it joins with `openpact join <token>`.',
        pact,
      )
    })
}
