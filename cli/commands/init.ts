/** `openpact init`: a first or further pact on this machine, whether or not a daemon runs. */
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import type { Client } from '../client.ts'
import { runningDaemon } from '../place.ts'
import { readSecret } from '../secret.ts'
import { listPacts, machineOf, type PactLine, type Session } from '../session.ts'
import { hasIdentity } from './words.ts'

/** What a machine begins with when nobody names it, be it by `init` or by `npm start`. */
export const firstPact = { name: 'First pact', alias: 'first' }

interface InitFlags {
  name?: string
  alias?: string
  purpose?: string
  restoreIdentity?: boolean
}

export function initCommand(program: Command, session: () => Session): void {
  program
    .command('init')
    .summary('create a pact on this machine')
    .description('Create a pact on this machine. Works whether or not a daemon runs.')
    .option('--name <name>', `name of the pact, shown to its members (${firstPact.name})`)
    .option('--alias <alias>', `short name on this machine (made of the name; of the first one: ${firstPact.alias})`)
    .option('--purpose <text>', 'what the pact is for')
    .option('--restore-identity', 'instead: make your identity anew from its 24 words, read from stdin or asked for')
    .action(async (flags: InitFlags) => {
      const shell = session()
      if (flags.restoreIdentity) return restoreIdentity(shell)
      const running = runningDaemon(shell.place) !== null
      const known = hasIdentity(shell.place)
      const pact = await shell.withDaemon(async client => {
        const body = { ...(await named(client, flags)), purpose: flags.purpose }
        return (await shell.progress('Creating the pact', () => client.post<PactLine>('/v1/pacts', body))).body
      })
      const next = running ? '' : '\nStart the daemon with `openpact start`.'
      shell.say(
        `Created the pact "${pact.name}" (alias ${pact.alias}).${next}\n` +
          `Invite another machine with \`openpact invite${pact.active ? '' : ` --pact ${pact.alias}`}\`; it joins with the token.` +
          (known ? '' : '\nYour identity is 24 words: write down what `openpact words` shows, or make a backup.'),
        pact,
      )
    })
}

/** @throws OpenPactError PACT_UNNAMED: a second pact is not made by a command that was only given twice */
async function named(client: Client, { name, alias }: InitFlags): Promise<{ name: string; alias?: string }> {
  if (name !== undefined || alias !== undefined) return { name: name ?? String(alias), alias }
  const [pacts, { failed }] = [await listPacts(client), await machineOf(client)]
  const here = [...pacts.map(pact => pact.alias), ...failed.map(({ id }) => id.slice(0, 12))]
  if (here.length === 0) return firstPact
  throw new OpenPactError('PACT_UNNAMED', { pacts: here.join(', ') })
}

/** The same identity on a new device. It gets into its pacts again by an invite, or by a link of another of its devices. */
async function restoreIdentity(shell: Session): Promise<void> {
  const running = runningDaemon(shell.place)
  if (running) throw new OpenPactError('DAEMON_RUNNING', { ...running })
  const { openDataDir } = await import('../../kernel/host/data-dir.ts')
  const { recoverIdentity } = await import('../../kernel/identity/identity.ts')
  const words = await readSecret('The 24 words: ')
  const dir = await openDataDir(shell.place.dataDir)
  try {
    const identity = (await recoverIdentity(dir.identity, words)).key.toString('hex')
    shell.say(
      `This is your identity ${identity.slice(0, 8)} again, on a new device.\n` +
        'Get into a pact with `openpact join <token>`: an invite, or a device link of another machine of yours.',
      { identity },
    )
  } finally {
    await dir.release()
  }
}
