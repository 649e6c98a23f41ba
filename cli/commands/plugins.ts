/** `openpact plugins`: what each plugin declares and how it is doing; of a daemon that is down, what it reported last. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import type { PluginStatus } from '../../kernel/index.ts'
import type { Session } from '../session.ts'
import { watchable } from '../watch.ts'

const columns = ['name', 'version', 'state', 'operations', 'entry_types', 'rules', 'source', 'summary']

/** `run/plugins.json`, written by a daemon once it answers. */
export interface PluginReport {
  /** ms since 1970 */
  reported: number
  entries: PluginStatus[]
}

export function pluginsCommand(program: Command, session: () => Session): void {
  const command = program
    .command('plugins')
    .summary('list the plugins and what they declare')
    .description(
      'List every configured plugin, what it declares and how it is doing. While the daemon is down: as it reported last.',
    )
  watchable(command).action(async ({ watch = false }: { watch?: boolean }) => {
    const shell = session()
    await shell.watching(watch, () => show(shell))
  })
}

async function show(shell: Session): Promise<void> {
  const running = shell.daemon() !== null
  const { reported, entries } = running ? await asked(shell) : lastReport(shell)
  const when = new Date(reported).toISOString()
  if (shell.json) return shell.print({ running, reported: when, entries })
  if (!running) shell.write(`No daemon is running. This is what it reported when it last started, at ${when}:\n\n`)
  shell.print(entries.map(row), columns)
}

async function asked(shell: Session): Promise<PluginReport> {
  const client = shell.client()
  const work = () => client.get<{ entries: PluginStatus[] }>('/v1/plugins')
  const { body } = await shell.progress('Asking the daemon for its plugins', work)
  return { reported: Date.now(), entries: body.entries }
}

/** The configuration is evaluated by the daemon alone, so a client has only the daemon's word. @throws OpenPactError NOTHING_REPORTED */
function lastReport({ place }: Session): PluginReport {
  try {
    return JSON.parse(readFileSync(place.pluginsFile, 'utf8'))
  } catch (cause) {
    throw new OpenPactError('NOTHING_REPORTED', { dataDir: place.dataDir }, { cause })
  }
}

function row(plugin: PluginStatus): object {
  const operations = plugin.contributions.filter(({ point }) => point === 'operations.operation')
  return {
    ...plugin,
    operations: operations.length || '',
    entry_types: plugin.entryTypes.join(', '),
    rules: plugin.rules ? `protocol ${plugin.rules.protocol}` : '',
    source: plugin.source === 'given in code' ? 'built in' : plugin.source,
    summary: plugin.error ?? plugin.summary,
  }
}
