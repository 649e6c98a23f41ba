/** Everything a peer holds at the end of a run, as plain data, for comparing it with the others and with what was acknowledged. */
import type { Kernel, LogRecord } from '../../kernel/index.ts'
import type { Ledger } from '../../kernel/ledger/ledger.ts'
import { nextChain, ZERO } from '../../kernel/ledger/record.ts'
import { type Derived, derivedOf } from './derived.ts'
import type { Item } from './items.ts'
import type { Watch } from './watch.ts'

export interface Line {
  id: string
  n: number
  /** Hex. */
  writer: string
  verdict: string
  chain: string
  type: string
  /** Null for entries that are not the soak's. */
  item: Item | null
}

export interface Report {
  length: number
  confirmed: number
  log: Line[]
  /** All rows of the state view. */
  state: Record<string, unknown>
  /** The log as the hooks told it. */
  told: { chain: (string | null)[]; confirmed: number; reverts: number; faults: string[] }
  /** What the peer answers about its own entries. */
  receipts: { id: string; position: number; verdict: string; confirmed: boolean }[]
  health: { ok: boolean; problems: string[]; repairs: number }
  derived: Derived
  /** What is wrong with this peer by itself. */
  faults: string[]
}

export async function reportOf(kernel: Kernel, pact: Ledger, watch: Watch, written: string[]): Promise<Report> {
  const faults: string[] = []
  const log: Line[] = []
  let chain: Buffer = ZERO
  const { length, confirmed } = pact
  for (let position = 0; position < length; position++) {
    const record = await pact.record(position)
    if (!record) {
      faults.push(`the record at ${position} is not on this machine`)
      break
    }
    chain = nextChain(chain, record.writer, record.n, record.hash, record.verdict)
    if (!record.chain.equals(chain)) faults.push(`the chain breaks at ${position}`)
    log.push(lineOf(record))
  }
  const state: Record<string, unknown> = {}
  for await (const { key, value } of pact.base.view.state.createReadStream()) state[key] = JSON.parse(value.toString())
  const receipts = written.flatMap(id => {
    const receipt = pact.receipt(id)
    return receipt ? [{ id, position: receipt.position, verdict: receipt.verdict, confirmed: receipt.confirmed }] : []
  })
  const { health } = await pact.status()
  const told = { chain: watch.chain, confirmed: watch.confirmed, reverts: watch.reverts, faults: watch.faults }
  const derived = await derivedOf(kernel, pact)
  return { length, confirmed, log, state, told, receipts, health, derived, faults }
}

function lineOf(record: LogRecord): Line {
  const type = record.entry?.type ?? ''
  const own = type.startsWith('soak.')
  return {
    id: record.id,
    n: record.n,
    writer: record.writer.toString('hex'),
    verdict: record.verdict,
    chain: record.chain.toString('hex'),
    type,
    item: own ? ({ type, ...JSON.parse(String(record.entry?.payload)) } as Item) : null,
  }
}
