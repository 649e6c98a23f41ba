/** `openpact status`: this machine and its pacts at a glance, or one pact in full. */
import type { Command } from 'commander'
import type { PactLine, Session } from '../session.ts'
import { renderRecord, renderTable } from '../table.ts'

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
  program
    .command('status')
    .summary('how this machine and its pacts are doing')
    .description('How this machine and its pacts are doing. With --pact: everything about one pact.')
    .action(async () => {
      const shell = session()
      const client = shell.client()
      if (shell.flags.pact !== undefined) {
        shell.print((await client.get(`${await shell.pactPath(client)}/status`)).body)
        return
      }
      const { body } = await client.get<MachineStatus>('/v1/status')
      if (shell.json) shell.print({ ...body, daemon: shell.daemon() })
      else shell.write(overview(shell, body))
    })
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
    : 'No pact yet: `openpact init` creates one, `openpact join <token>` joins one.\n'
  const asking = joining
    .map(({ alias, state, words }) => `Joining ${alias ?? 'a pact'} (${state}): ${words}\n`)
    .join('')
  const broken = failed.map(({ error, message, help }) => `${message} [${error}]\n  ${help}\n`).join('')
  return `${head}\n${table}${asking}${broken}`
}

/** What the network is to this machine right now. */
export function networkWords({ online, connections, nodes }: MachineStatus['network']): string {
  if (!online) return 'off; this machine keeps to itself'
  if (nodes === 0 && connections === 0) return 'no node of the DHT answers; name one with --bootstrap, or go on alone'
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
