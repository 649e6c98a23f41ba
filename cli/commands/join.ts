/** `openpact join`: into the pact of a token, whether or not a daemon runs. */
import type { Command } from 'commander'
import type { AdmissionKind } from '../../plugins/invites/service.ts'
import { durationHelp, parseDuration } from '../duration.ts'
import { RemoteFailure } from '../errors.ts'
import { builtIn } from '../known-operations.ts'
import { runningDaemon } from '../place.ts'
import { listPacts, type Session } from '../session.ts'
import { hasIdentity } from './words.ts'

interface JoinFlags {
  alias?: string
  timeout: string
}

interface JoinAnswer {
  state: 'joined' | 'pending'
  words: string
  id?: string
  alias?: string
  name?: string
}

/** ms that the daemon waits at most. */
const longest = 100_000

export function joinCommand(program: Command, session: () => Session): void {
  program
    .command('join')
    .summary('join a pact by its invite')
    .description('Join the pact of an invite. Works whether or not a daemon runs; a member of the pact must be online.')
    .argument('<token>', 'what `openpact invite` printed on the other machine')
    .option('--alias <alias>', 'short name of the pact on this machine')
    .option('--timeout <duration>', 'how long to wait, at most 100s', '60s')
    .addHelpText('after', `\n${durationHelp}`)
    .action((token: string, flags: JoinFlags) => join(session(), token, flags))
}

async function join(shell: Session, token: string, flags: JoinFlags): Promise<void> {
  const timeout = parseDuration('--timeout', flags.timeout, { most: longest })
  const running = runningDaemon(shell.place) !== null
  if (!running && !hasIdentity(shell.place)) await checkForm(token)
  const { answer, held } = await shell.withDaemon(async client => {
    const before = await listPacts(client)
    const work = () =>
      client.post<JoinAnswer>('/v1/pacts/join', { token, alias: flags.alias, timeout }, { timeout: timeout + 20_000 })
    const { body } = await shell.progress('Asking the members of the pact to let this machine in', work)
    return { answer: body, held: before.some(pact => pact.id === body.id) }
  })
  if (answer.state === 'pending') throw pending(answer, running)
  const next = running ? '' : '\nStart the daemon with `openpact start`, so that this machine stays in step.'
  const done = held ? 'This machine was in the pact' : 'Joined the pact'
  const missing = answer.words && `\nIt can be read here, not written: ${answer.words}`
  const named = `${done} "${answer.name}" ${held ? 'already ' : ''}(alias ${answer.alias}).`
  shell.say(`${named}${missing}${kept(answer, flags)}${next}`, {
    ...answer,
    already: held,
  })
}

/**
 * Before anything is made for it in a directory that is empty still. A daemon that runs knows also the tokens that other plugins take.
 * @throws OpenPactError INVITE_MALFORMED
 */
async function checkForm(token: string): Promise<void> {
  const [{ decodeToken }, { admissionKindPoint }] = await Promise.all([
    import('../../plugins/invites/token.ts'),
    import('../../plugins/invites/service.ts'),
  ])
  const kinds = await builtIn<AdmissionKind>(admissionKindPoint.id)
  decodeToken(
    token,
    kinds.map(({ value }) => value),
  )
}

/** An alias that was asked for and not given must not pass unnoticed. */
function kept({ alias }: JoinAnswer, flags: JoinFlags): string {
  if (flags.alias === undefined || flags.alias === alias) return ''
  return `\nIt keeps that alias; \`openpact rename ${flags.alias} --pact ${alias}\` gives it the other one.`
}

function pending({ words }: JoinAnswer, running: boolean): RemoteFailure {
  const help = running
    ? 'The daemon goes on asking; `openpact joins` shows how it stands.'
    : 'Start the daemon with `openpact start`: it goes on asking by itself.'
  return new RemoteFailure({ code: 'JOIN_PENDING', kind: 'timeout', message: `Not in the pact yet: ${words}`, help })
}
