/** `openpact log`: entries as lines, oldest first; with `--follow`, new ones as they come. */
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import type { Client } from '../client.ts'
import { entryWords, oneLine } from '../entry-words.ts'
import type { Session } from '../session.ts'
import { typedValue } from '../typed.ts'

/** An entry as the API shows it, as far as it is shown here. */
export interface LogEntry {
  id: string
  type: string
  topic: string
  payload: unknown
  author: string
  timestamp: string
  verdict: string
  confirmed: boolean
}

interface LogFlags {
  follow?: boolean
  limit: string
  type?: string
  topic?: string
}

export function logCommand(program: Command, session: () => Session): void {
  program
    .command('log')
    .summary('print the entries of a pact')
    .description('Print the newest entries of a pact, oldest first. With --follow, go on as new ones come.')
    .option('-f, --follow', 'go on until Ctrl-C')
    .option('-n, --limit <number>', 'how many entries to begin with, at most 1000', '20')
    .option('--type <type>', 'only entries of this type')
    .option('--topic <topic>', 'only entries on this topic')
    .action((flags: LogFlags) => printLog(session(), flags))
}

async function printLog(shell: Session, flags: LogFlags): Promise<void> {
  const client = shell.client()
  const pact = await shell.pactPath(client)
  // Taken before the list, so that nothing falls between the two; what stands in both is printed once.
  const cursor = flags.follow ? await head(client, pact) : ''
  const limit = typedValue('limit', flags.limit, { type: 'integer' })
  const query = { limit, type: flags.type, topic: flags.topic, order: 'desc', verdict: 'any' }
  const work = () => client.get<{ entries: LogEntry[] }>(`${pact}/entries`, { query })
  const { entries } = (await shell.progress('Reading the newest entries', work)).body
  const words = shell.json ? {} : await declaredWords(client)
  for (const entry of entries.reverse()) print(shell, entry, words)
  if (entries.length === 0 && !shell.json && !flags.follow) shell.write('Nothing found.\n')
  const printed = new Set(entries.map(({ id }) => id))
  if (flags.follow) await follow(shell, client, { pact, cursor, flags, printed, words })
}

/** How entries of the plugins of that daemon are told, by type. */
async function declaredWords(client: Client): Promise<Words> {
  const { entries } = (await client.get<{ entries: { words?: Words }[] }>('/v1/plugins')).body
  return Object.assign({}, ...entries.map(({ words }) => words))
}

async function head(client: Client, pact: string): Promise<string> {
  return (await client.get<{ cursor: string }>(`${pact}/changes`, { query: { from: 'head' } })).body.cursor
}

interface Following {
  pact: string
  cursor: string
  flags: LogFlags
  printed: Set<string>
  words: Words
}

type Words = Record<string, string>

async function follow(
  shell: Session,
  client: Client,
  { pact, cursor, flags, printed, words }: Following,
): Promise<void> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  const query = { pact: decodeURIComponent(pact.split('/')[3] ?? ''), type: flags.type, topic: flags.topic }
  for await (const { event, data } of client.events('/v1/events', {
    query,
    lastEventId: cursor,
    signal: stop.signal,
  })) {
    if (event !== 'entry-applied') continue
    const { entry } = JSON.parse(data) as { entry: LogEntry | null }
    if (!entry || printed.delete(entry.id)) continue
    if (matches(entry, flags)) print(shell, entry, words)
  }
  if (!stop.signal.aborted) throw new OpenPactError('STREAM_ENDED')
}

function matches(entry: LogEntry, { type, topic }: LogFlags): boolean {
  return (type === undefined || entry.type === type) && (topic === undefined || entry.topic === topic)
}

function print(shell: Session, entry: LogEntry, words: Words): void {
  shell.write(`${shell.json ? JSON.stringify(entry) : line(entry, words)}\n`)
}

/** One entry on one line: when, which, what, on which topic, by whom, what it says. */
function line(entry: LogEntry, declared: Words): string {
  const { id, type, topic, author, timestamp, verdict, confirmed } = entry
  const time = timestamp.slice(0, 19).replace('T', ' ')
  const judged = verdict === 'accepted' ? (confirmed ? '' : ' (not confirmed)') : ` (refused: ${verdict})`
  const words = [time, id, type, topic && `#${topic}`, `by ${author}${judged}`].filter(Boolean).map(oneLine)
  return `${words.join('  ')}  ${entryWords(type, entry.payload, declared)}`.trimEnd()
}
