/** `openpact plugins`: what is configured, what each plugin declares, and how it is doing where a daemon runs. */
import type { Command } from 'commander'
import type { PluginStatus } from '../../kernel/index.ts'
import type { Session } from '../session.ts'

const columns = ['name', 'version', 'state', 'operations', 'entry_types', 'rules', 'source', 'summary']

export function pluginsCommand(program: Command, session: () => Session): void {
  program
    .command('plugins')
    .summary('list the plugins and what they declare')
    .description('List every configured plugin and what it declares. While the daemon is down nothing of it is run.')
    .action(async () => {
      const shell = session()
      const plugins = shell.daemon() ? await runningPlugins(shell) : await declaredPlugins(shell)
      if (shell.json) shell.print(plugins)
      else shell.print(plugins.map(row), columns)
    })
}

async function runningPlugins(shell: Session): Promise<PluginStatus[]> {
  return (await shell.client().get<{ entries: PluginStatus[] }>('/v1/plugins')).body.entries
}

/** @throws OpenPactError CONFIG_INVALID, CONFIG_UNREADABLE, PLUGINS_INVALID */
async function declaredPlugins(shell: Session): Promise<PluginStatus[]> {
  const [{ fullConfig }, { Hooks }, { PluginHost }, { openLog }] = await Promise.all([
    import('../daemon.ts'),
    import('../../kernel/host/hooks.ts'),
    import('../../kernel/host/host.ts'),
    import('../../kernel/host/log.ts'),
  ])
  const { plugins = [] } = await fullConfig({ place: shell.place, config: shell.flags.config })
  const log = openLog({ level: 'error' })
  const host = new PluginHost({ hooks: new Hooks(log), log })
  await host.load(plugins, { base: shell.place.dataDir })
  return host.status()
}

function row(plugin: PluginStatus): object {
  const operations = plugin.contributions.filter(({ point }) => point === 'operations.operation')
  return {
    ...plugin,
    // Nothing runs, so what could run is shown as that.
    state: plugin.state === 'pending' ? 'on' : plugin.state,
    operations: operations.length || '',
    entry_types: plugin.entryTypes.join(', '),
    rules: plugin.rules ? `protocol ${plugin.rules.protocol}` : '',
    source: plugin.source === 'given in code' ? 'built in' : plugin.source,
    summary: plugin.error ?? plugin.summary,
  }
}
