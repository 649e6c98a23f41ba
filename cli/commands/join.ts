/** `openpact join`: into the pact of a token, whether or not a daemon runs. */
import type { Command } from 'commander'
import type { AdmissionKind } from '../../plugins/invites/service.ts'
import type { Client } from '../client.ts'
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

/** Of `GET /v1/joins`. */
interface JoinLine {
  alias: string | null
  /** ISO 8601 */
  started: string
  words: string
}

/** Of `GET /v1/pacts/:pactId/status`. */
interface History {
  /** Entries that are here from the first on, of all. */
  contiguous: number
  length: number
  synced: boolean
}

/** ms between two looks at what a join waits for. */
const LOOK = 1_000

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
  const { answer, held, history } = await shell.withDaemon(async client => {
    const before = await listPacts(client)
    const work = () =>
      client.post<JoinAnswer>('/v1/pacts/join', { token, alias: flags.alias, timeout }, { timeout: timeout + 20_000 })
    const { body } = await following(shell, client, flags.alias, work)
    // One that cannot be written here says so in its own words.
    const reads = body.state === 'joined' && body.words === '' && body.id !== undefined
    const status = reads ? (await client.get<History>(`/v1/pacts/${body.id}/status`)).body : null
    return { answer: body, held: before.some(pact => pact.id === body.id), history: status ? stillComing(status) : '' }
  })
  if (answer.state === 'pending') throw pending(answer, running)
  const next = running ? '' : '\nStart the daemon with `openpact start`, so that this machine stays in step.'
  const done = held ? 'This machine was in the pact' : 'Joined the pact'
  const missing = answer.words && `\nIt can be read here, not written: ${answer.words}`
  // Its name is in entries that may not be here yet.
  const called = answer.name ? `"${answer.name}" ${held ? 'already ' : ''}(alias ${answer.alias})` : answer.alias
  const named = `${done} ${called}.`
  shell.say(`${named}${missing}${history}${kept(answer, flags)}${next}`, {
    ...answer,
    already: held,
  })
}

/** Runs `work` and says meanwhile what the attempt waits for: a member, the admission, or the entries up to the seat. */
async function following<T>(
  shell: Session,
  client: Client,
  alias: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  let doing = 'Asking the members of the pact to let this machine in'
  let asking = false
  const look = async () => {
    if (asking) return
    asking = true
    const joins = await client.get<{ entries: JoinLine[] }>('/v1/joins').catch(() => null)
    asking = false
    // Others may be under way for long, such as those of a restored machine.
    const ours = joins?.body.entries.filter(join => join.alias === (alias ?? null)) ?? []
    const latest = ours.sort((a, b) => a.started.localeCompare(b.started)).at(-1)
    if (latest) doing = `Joining: ${latest.words}`
  }
  const timer = setInterval(() => void look(), LOOK)
  try {
    return await shell.progress(() => doing, work)
  } finally {
    clearInterval(timer)
  }
}

/** A pact can be read and written long before its whole history is here. */
export function stillComing({ contiguous, length, synced }: History): string {
  if (synced || contiguous >= length) return ''
  return `\nIts history is still coming: ${contiguous} of ${length} entries are here. A member must be online until then; \`openpact status\` shows how far it is.`
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
