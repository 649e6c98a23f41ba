/** Verbs made from the daemon's operations: what a plugin declares once is a command here. */
import type { Command } from 'commander'
import { type Client, pathPart } from './client.ts'
import { durationHelp } from './duration.ts'
import { exitCode } from './errors.ts'
import type { OperationInfo } from './known-operations.ts'
import { refuseNearVerb } from './near-verb.ts'
import { fieldsOf } from './schema.ts'
import { listPacts, type Session } from './session.ts'
import { plain } from './table.ts'
import { addFields, descriptionOf, inputOf } from './typed.ts'
import { watchable } from './watch.ts'

/** Heading of these verbs in the help. */
export const generatedGroup = 'For pacts, agents and what they share (while the daemon runs):'

/** Adds a command for every operation that names one. Own commands of the same words win. */
export function addOperations(program: Command, operations: readonly OperationInfo[], session: () => Session): void {
  const groups = new Set<Command>()
  for (const operation of operations) {
    if (!operation.cli) continue
    const words = operation.cli.path.split(' ')
    const last = words.pop()
    let parent = program
    for (const word of words) {
      parent = child(parent, word)
      groups.add(parent)
    }
    if (last === undefined || parent.commands.some(known => known.name() === last && known.description() !== ''))
      continue
    addOperation(child(parent, last), operation, session)
  }
  for (const group of groups) if (group.description() === '') describeGroup(group)
  for (const group of program.commands) if (group.commands.length > 0) group.hook('preSubcommand', handOver)
}

/** A word may have flags of its own besides commands: commander gives it those of `message list --to …`, which are the command's. */
function handOver(group: Command, command: Command): void {
  for (const option of group.options) {
    const name = option.attributeName()
    if (group.getOptionValueSource(name) !== 'cli') continue
    const own = command.options.find(each => each.attributeName() === name)
    if (!own) command.error(`error: unknown option '${option.long}'`, { code: 'commander.unknownOption' })
    const given = [group.getOptionValue(name)].flat()
    command.setOptionValueWithSource(name, own?.parseArg ? given : given.at(-1), 'cli')
  }
}

function addOperation(command: Command, operation: OperationInfo, session: () => Session): void {
  command.summary(operation.summary).description(descriptionOf(operation))
  if (addFields(command, operation)) command.addHelpText('after', `\n${durationHelp}`)
  const read = operation.method === 'GET'
  if (read) watchable(command)
  command.action(async () => {
    const shell = session()
    if (!read) refuseNearVerb(command, `If it is what you mean: \`openpact call ${operation.name} '{…}'\``)
    const input = inputOf(operation, command)
    const watch = read && command.opts().watch === true
    await shell.watching(watch, () => runOperation(operation, input, shell))
  })
}

/** A word may be a group (`task`) and a command of its own (`task <id>`). */
function child(parent: Command, word: string): Command {
  const known = parent.commands.find(command => command.name() === word)
  if (known) return known
  const made = parent.command(word)
  return parent.parent ? made : made.helpGroup(generatedGroup)
}

/** A group says what is in it. */
function describeGroup(group: Command): void {
  const verbs = group.commands.map(command => command.name())
  group.summary(verbs.join(', ')).description(`What can be done with ${group.name()}: ${verbs.join(', ')}.`)
}

/** Runs an operation and prints its answer. */
export async function runOperation(
  operation: OperationInfo,
  input: Record<string, unknown>,
  session: Session,
): Promise<void> {
  const client = session.client()
  const rest = { ...input }
  let path = operation.path
  const pact = operation.scope === 'pact' ? await session.pactPath(client) : ''
  if (pact) path = path.replace('/v1/pacts/:pactId', pact)
  for (const name of operation.params) {
    path = path.replace(`:${name}`, pathPart(String(input[name])))
    delete rest[name]
  }
  const options = operation.query ? { query: rest } : { body: rest }
  const work = () => client.request(operation.method, path, { ...options, timeout: patience(input) })
  const { status, body } = await session.progress(operation.summary, work)
  // Like a wait that was in vain: `claim && work` must not go on.
  if (status === 202) process.exitCode = exitCode('timeout')
  const { columns, list = 'entries', text } = operation.cli ?? {}
  if (text !== undefined && !session.json) return session.writeText(String((body as Record<string, unknown>)[text]))
  const flag = 'cursor' in fieldsOf(operation.input).properties ? '--cursor' : '--since'
  session.print(body, columns?.length ? columns : undefined, { list, flag })
  if (session.json) return
  // What it waits for stands in the answer, where it is more than a moment.
  const { waiting } = body as { waiting?: string }
  if (status === 202) session.write(`Not settled yet: ask again ${waiting ? 'when that has come' : 'in a moment'}.\n`)
  const { after, notes = {} } = operation.cli ?? {}
  const said: string[] = []
  if (after !== undefined) {
    const named = after.includes('{pact}') ? { pact: await pactWords(client, pact) } : {}
    said.push(filled(after, { url: client.url, ...named, ...(body as object) }))
  }
  for (const [name, note] of Object.entries(notes))
    if ((body as Record<string, unknown>)[name] === true) said.push(note)
  if (said.length > 0) session.write(session.hinting(`\n${said.join('\n')}\n`))
}

/** ms without an answer: longer than the operation itself was told to wait. */
function patience({ timeout }: Record<string, unknown>): number {
  return 120_000 + (typeof timeout === 'number' ? timeout : 0)
}

/** The pact at a path, as `init` names it. */
async function pactWords(client: Client, path: string): Promise<string> {
  const meant = decodeURIComponent(path.split('/').at(-1) ?? '')
  const found = (await listPacts(client)).find(({ id, alias }) => id === meant || alias === meant)
  return found ? `"${found.name}" (alias ${found.alias})` : meant
}

function filled(template: string, fields: Record<string, unknown>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in fields ? plain(fields[name]) : whole))
}
