/** `openpact status`: this machine and its pacts at a glance, or one pact in full. */
import type { Command } from 'commander'
import type { Finding } from '../../plugins/operations/health.ts'
import type { Client } from '../client.ts'
import { asFailure } from '../errors.ts'
import type { PactLine, Session } from '../session.ts'
import { renderRecord, renderTable } from '../table.ts'
import { watchable } from '../watch.ts'

/** `GET /v1/status`. */
export interface MachineStatus {
  version: string
  peer_handle: string
  network: { online: boolean; connections: number; nodes: number; bootstrap: string[] | null; address: string | null }
  pacts: PactSummary[]
  /** Pacts that could not be opened. */
  failed: { id: string; error: string; message: string; help: string }[]
  joining: { alias: string | null; state: string; words: string }[]
}

export interface PactSummary extends PactLine {
  length: number
  confirmed: number
  synced: boolean
  writable: boolean
  waiting: string
}

export function statusCommand(program: Command, session: () => Session): void {
  const command = program
    .command('status')
    .summary('how this machine and its pacts are doing')
    .description('How this machine and its pacts are doing. With --pact: everything about one pact.')
  watchable(command).action(async ({ watch = false }: { watch?: boolean }) => {
    const shell = session()
    await shell.watching(watch, () => show(shell))
  })
}

async function show(shell: Session): Promise<void> {
  const client = shell.client()
  const path = shell.flags.pact === undefined ? '/v1/status' : `${await shell.pactPath(client)}/status`
  const { body } = await shell.progress('Asking the daemon how it is', () => client.get<MachineStatus>(path))
  if (shell.flags.pact !== undefined) {
    shell.print(body)
    return
  }
  const findings = await healthOf(client)
  if (shell.json) shell.print({ ...body, daemon: shell.daemon(), findings })
  else shell.write(shell.hinting(overview(shell, body) + advice(findings, body)))
}

/** `GET /v1/health`; nothing where that plugin is off. */
export async function healthOf(client: Client): Promise<Finding[]> {
  try {
    return (await client.get<{ findings: Finding[] }>('/v1/health')).body.findings
  } catch (error) {
    if (asFailure(error).kind === 'missing') return []
    throw error
  }
}

/** What there is to know or do; what stands in the table is not said again. */
function advice(findings: readonly Finding[], { pacts, failed }: MachineStatus): string {
  const said = (words: string) =>
    pacts.some(({ waiting }) => waiting === words) || failed.some(({ message }) => words.includes(message))
  const lines = findings
    .filter(({ level, words }) => level !== 'ok' && !said(words))
    .map(({ level, about, words }) => `${level === 'fault' ? 'FAULT  ' : ''}${about}: ${words}\n`)
  return lines.length > 0 ? `\n${lines.join('')}` : ''
}

function overview(shell: Session, status: MachineStatus): string {
  const { version, peer_handle, network, pacts, failed, joining } = status
  const daemon = shell.daemon()
  const head = renderRecord({
    daemon: `${daemon?.url} (process ${daemon?.pid}, version ${version})`,
    'data directory': shell.place.dataDir,
    'you are': peer_handle,
    network: networkWords(network),
  })
  const table = pacts.length
    ? renderTable(pacts.map(row), ['alias', 'entries', 'confirmed', 'here', 'state'])
    : failed.length || joining.length
      ? ''
      : 'No pact yet: `openpact init` creates one, `openpact join <token>` joins one.\n'
  const asking = joining
    .map(({ alias, state, words }) => `Joining ${alias ?? 'a pact'} (${state}): ${words}\n`)
    .join('')
  const broken = failed.map(({ error: code, ...rest }) => `${notOpen({ code, ...rest })}\n`).join('')
  return `${head}\n${table}${asking}${broken}`
}

/** Why a pact that is here cannot be opened, and the way out. */
export function notOpen({
  id,
  code,
  message,
  help,
}: {
  id: string
  code: string
  message: string
  help: string
}): string {
  const named = message.includes(id) ? message : `Pact ${id.slice(0, 12)} cannot be opened. ${message}`
  return `${named} [${code}]\n  ${help}`
}

/** What the network is to this machine right now. */
export function networkWords({ online, connections, nodes, bootstrap }: MachineStatus['network']): string {
  if (!online) return 'off; this machine keeps to itself'
  if (nodes === 0 && connections === 0) {
    const silent = bootstrap
      ? `the bootstrap ${bootstrap.join(', ')} does not answer: check that it runs, and the network of this machine`
      : 'no node of the public DHT answers: check the network of this machine, or name a node of your own with --bootstrap'
    return `${silent}. The daemon goes on trying and comes back by itself`
  }
  return `online, ${connections} ${connections === 1 ? 'machine' : 'machines'} connected`
}

function row(pact: PactSummary): object {
  const { alias, length, confirmed, synced, writable, waiting, active } = pact
  const state = waiting || (writable ? 'ready' : 'can be read, not written')
  return {
    alias: active ? `${alias} *` : alias,
    entries: length,
    confirmed,
    here: synced ? 'all' : 'partly',
    state,
  }
}
