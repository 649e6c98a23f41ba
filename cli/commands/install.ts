/** `openpact install <client>` and `openpact uninstall <client>`: the settings of other programs, merged and never overwritten. */
import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { near } from '../../kernel/host/near.ts'
import type { Client, Surroundings } from '../integrations/clients.ts'
import '../integrations/errors.ts'
import type { Step } from '../integrations/installation.ts'
import { ownProgram } from '../integrations/program.ts'
import type { Session } from '../session.ts'

interface InstallFlags {
  dryRun?: boolean
}

const dryRun = ['--dry-run', 'show what would change and change nothing'] as const

export function installCommand(program: Command, session: () => Session): void {
  program
    .command('install')
    .argument('<client>', 'claude-code, codex, cursor, opencode, zed, claude-desktop or openclaw')
    .summary('add OpenPact to an agent')
    .description(
      'Add OpenPact to the settings of an agent: an MCP server, with --pact for one pact; for claude-code also hooks that tell what is new, ' +
        'for openclaw also a skill. What is there already stays; `openpact uninstall` takes exactly this away again.',
    )
    .option(...dryRun)
    .action((name: string, flags: InstallFlags) => install(session(), name, flags))
}

export function uninstallCommand(program: Command, session: () => Session): void {
  program
    .command('uninstall')
    .argument('<client>', 'the agent that OpenPact was added to')
    .summary('take OpenPact out of an agent')
    .description('Take away what `openpact install` added to the settings of an agent, and nothing else.')
    .option(...dryRun)
    .action((name: string, flags: InstallFlags) => uninstall(session(), name, flags))
}

async function install(shell: Session, name: string, flags: InstallFlags): Promise<void> {
  const { carryOut, planInstall, receipts } = await prepared(shell)
  const { title, next, additions } = await clientOf(name)
  const steps = planInstall(await additions(surroundings(shell)), receipts.read(name))
  if (!flags.dryRun) carryOut(steps, name, receipts, true)
  const changed = steps.some(({ before, after }) => before !== after)
  await tell(
    shell,
    name,
    steps,
    flags,
    changed ? `Added OpenPact to ${title}. ${next}` : `${title} has OpenPact already.`,
  )
}

async function uninstall(shell: Session, name: string, flags: InstallFlags): Promise<void> {
  const { carryOut, planUninstall, receipts } = await prepared(shell)
  const { title } = await clientOf(name)
  const steps = planUninstall(receipts.read(name))
  if (!flags.dryRun) carryOut(steps, name, receipts, false)
  const left = steps.filter(step => step.left).map(({ file }) => file)
  const rest = left.length > 0 ? ` What was changed since stays: ${left.join(', ')}.` : ''
  const words =
    steps.length === 0 ? `Nothing was added to ${title} from here.` : `Took OpenPact out of ${title}.${rest}`
  await tell(shell, name, steps, flags, words)
}

async function prepared({ place }: Session) {
  const [installation, { Receipts }] = await Promise.all([
    import('../integrations/installation.ts'),
    import('../integrations/receipts.ts'),
  ])
  return { ...installation, receipts: new Receipts(place.dataDir) }
}

async function tell(
  shell: Session,
  client: string,
  steps: Step[],
  { dryRun: dry = false }: InstallFlags,
  words: string,
) {
  const { diffs } = await import('../integrations/installation.ts')
  const changes = diffs(steps)
  const files = steps.filter(({ before, after }) => before !== after).map(({ file }) => file)
  const answer = { client, changed: !dry && files.length > 0, files, left: steps.filter(s => s.left).map(s => s.file) }
  if (dry) shell.say(changes || 'Nothing would change.', { ...answer, diff: changes })
  else shell.say([words, ...files.map(file => `  ${file}`)].join('\n'), answer)
}

/** @throws OpenPactError CLIENT_UNKNOWN */
async function clientOf(name: string): Promise<Client> {
  const { clients } = await import('../integrations/clients.ts')
  const found = Object.hasOwn(clients, name) ? clients[name] : undefined
  if (found) return found
  const known = Object.keys(clients)
  throw new OpenPactError('CLIENT_UNKNOWN', { name, known: known.join(', '), near: near(name, known) })
}

/** @throws OpenPactError HOME_MISSING */
function surroundings(shell: Session): Surroundings {
  const { place, flags } = shell
  const home = homeFolder()
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  const elsewhere = place.dataDir === join(home, '.openpact') ? [] : ['--data-dir', place.dataDir]
  const pact = flags.pact === undefined ? [] : ['--pact', flags.pact]
  return {
    home,
    env: process.env,
    platform: process.platform,
    server: ownProgram(main, ['mcp', ...elsewhere, ...pact]),
    hook: ownProgram(main, ['hook', 'claude-code', ...elsewhere, ...pact]),
    skill: () => (shell.daemon() ? servedSkill(shell) : builtInSkill()),
  }
}

function homeFolder(): string {
  let home = ''
  try {
    home = homedir()
    if (home !== '' && statSync(home).isDirectory()) return home
  } catch {
    // Said below.
  }
  throw new OpenPactError('HOME_MISSING', { reason: home === '' ? 'HOME is not set' : `${home} is no directory` })
}

/** As the daemon serves it, with its third-party plugins. */
async function servedSkill(shell: Session): Promise<Record<string, string>> {
  const client = shell.client()
  const get = async (name: string) => (await client.get<unknown>(`/.well-known/agent-skills/openpact/${name}`)).body
  const [skill, tools] = await Promise.all([get('SKILL.md'), get('tools.json')])
  return { 'SKILL.md': String(skill), 'tools.json': `${JSON.stringify(tools, null, 2)}\n` }
}

async function builtInSkill(): Promise<Record<string, string>> {
  const [{ default: config }, { skillFiles }, { operationPoint }] = await Promise.all([
    import('../../openpact.config.ts'),
    import('../../plugins/guide/files.ts'),
    import('../../plugins/operations/operation.ts'),
  ])
  const declared = (config.plugins ?? []).flatMap(entry =>
    typeof entry === 'object' && !('plugin' in entry) ? (entry.contributes ?? []) : [],
  )
  const operations = declared.filter(({ point }) => point === operationPoint.id).map(({ value }) => value)
  return skillFiles(operations as Parameters<typeof skillFiles>[0])
}
