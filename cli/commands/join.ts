/** `openpact join`: into the pact of a token, whether or not a daemon runs. */
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { RemoteFailure } from '../errors.ts'
import { runningDaemon } from '../place.ts'
import type { Session } from '../session.ts'

interface JoinFlags {
  alias?: string
  timeout: string
}

interface JoinAnswer {
  state: 'joined' | 'pending'
  words: string
  alias?: string
  name?: string
}

export function joinCommand(program: Command, session: () => Session): void {
  program
    .command('join')
    .summary('join a pact by its invite')
    .description('Join the pact of an invite. Works whether or not a daemon runs; a member of the pact must be online.')
    .argument('<token>', 'what `openpact invite` printed on the other machine')
    .option('--alias <alias>', 'short name of the pact on this machine')
    .option('--timeout <seconds>', 'how long to wait, at most 100', '60')
    .action((token: string, flags: JoinFlags) => join(session(), token, flags))
}

async function join(shell: Session, token: string, flags: JoinFlags): Promise<void> {
  const timeout = Math.round(Number(flags.timeout) * 1000)
  if (!(timeout >= 0 && timeout <= 100_000)) {
    const hint = 'Use a number of seconds from 0 to 100.'
    throw new OpenPactError('USAGE', { reason: `--timeout ${flags.timeout} is not possible`, hint })
  }
  const running = runningDaemon(shell.place) !== null
  const answer = await shell.withDaemon(async client => {
    const work = () =>
      client.post<JoinAnswer>('/v1/pacts/join', { token, alias: flags.alias, timeout }, { timeout: timeout + 20_000 })
    return (await shell.progress('Asking the members of the pact to let this machine in', work)).body
  })
  if (answer.state === 'pending') throw pending(answer, running)
  const next = running ? '' : '\nStart the daemon with `openpact start`, so that this machine stays in step.'
  shell.say(`Joined the pact "${answer.name}" (alias ${answer.alias}).${next}`, answer)
}

function pending({ words }: JoinAnswer, running: boolean): RemoteFailure {
  const help = running
    ? 'The daemon goes on asking; `openpact joins` shows how it stands.'
    : 'Start the daemon with `openpact start`: it goes on asking by itself.'
  return new RemoteFailure({ code: 'JOIN_PENDING', kind: 'timeout', message: `Not in the pact yet: ${words}`, help })
}
