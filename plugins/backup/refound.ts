/** Carries a pact on that nobody can confirm any more: a new pact that names the old one's end and imports its log. */
import {
  type Draft,
  decodeRecord,
  IMPORT,
  joinBlocks,
  type Kernel,
  limits,
  OpenPactError,
  type Pact,
} from '../../kernel/index.ts'
import type { ArchivedLogs } from './archived.ts'
import { contentHere, type Named, note, type Tally } from './attached.ts'
import { CONTENT_ENTRY } from './entries.ts'
import './errors.ts'

/** Where the log of a pact is: open here, or in a restored archive. */
interface Source {
  id: string
  alias: string
  key: Buffer
  length: number
  chain: Buffer
  name: string
  block(position: number): Promise<Buffer | null> | Buffer | null
}

export interface Refounded extends Tally {
  pact: Pact
  /** Id of the pact that it carries on. */
  of: string
  key: Buffer
  entries: number
}

export async function refound(
  kernel: Kernel,
  archived: ArchivedLogs,
  wanted: { pact: string; alias?: string; force?: boolean },
  told: (done: number, of: number) => void = () => {},
): Promise<Refounded> {
  const source = await sourceOf(kernel, archived, wanted.pact, wanted.force ?? false)
  const open = kernel.pacts.find(source.id)
  const alias = wanted.alias ?? source.alias
  // The new one takes the name that people use.
  if (open && open.alias === alias) await kernel.pacts.rename(open.id, freeAlias(kernel, `${alias.slice(0, 58)}-old`))
  const { key, chain, length } = source
  const pact = await kernel.pacts.create({ name: source.name, alias, refounds: { key, chain, length } })
  const named: Named = new Map()
  let slice: Buffer[] = []
  let size = 0
  const send = async () => {
    if (slice.length > 0) await write(pact, { type: IMPORT, enc: 'records', payload: joinBlocks(slice) })
    slice = []
    size = 0
  }
  for (let position = 0; position < length; position++) {
    const block = await source.block(position)
    if (!block) throw new OpenPactError('BACKUP_PARTIAL', { pact: source.alias, have: position, of: length })
    if (size + block.length + 4 > limits.payload) {
      await send()
      told(position, length)
    }
    note(named, decodeRecord(position, block))
    slice.push(block)
    size += block.length + 4
  }
  await send()
  told(length, length)
  const tally = await attachAgain(kernel, pact, { id: source.id, open: open ?? null }, named)
  return { pact, of: source.id, key, entries: length, ...tally }
}

/** The core of an attachment belongs to its pact: what this machine has of the old one's is attached in the new one, for all its members. */
async function attachAgain(
  kernel: Kernel,
  pact: Pact,
  old: { id: string; open: Pact | null },
  named: Named,
): Promise<Tally> {
  const tally: Tally = { contents: 0, contents_missing: 0 }
  for (const refs of named.values()) {
    const bytes = await contentHere(kernel.dataDir, old, refs)
    if (bytes) {
      await write(pact, { type: CONTENT_ENTRY, payload: { attachment: await pact.attach(bytes) } })
      tally.contents++
    } else tally.contents_missing++
  }
  return tally
}

async function write(pact: Pact, draft: Draft): Promise<void> {
  const [receipt] = await pact.append([draft])
  if (receipt?.verdict !== 'accepted')
    throw new OpenPactError('ENTRY_REFUSED', { id: receipt?.id, type: draft.type, verdict: receipt?.verdict })
}

async function sourceOf(kernel: Kernel, archived: ArchivedLogs, wanted: string, force: boolean): Promise<Source> {
  const named = kernel.pacts.find(wanted)
  const kept = archived.find(named?.id ?? wanted)
  const open = named ?? (kept && kernel.pacts.find(kept.id))
  if (open && (!kept || open.length >= kept.length)) {
    const status = await open.status()
    if (!force && (status.waiting === '' || status.indexer))
      throw new OpenPactError('REFOUND_NEEDLESS', { pact: open.alias })
    const last = await open.record(open.length - 1)
    if (!last) throw new OpenPactError('BACKUP_PARTIAL', { pact: open.alias, have: status.contiguous, of: open.length })
    const { id, alias, key, length } = open
    return { id, alias, key, length, chain: last.chain, name: status.name || alias, block: at => open.block(at) }
  }
  if (!kept) throw new OpenPactError('PACT_UNKNOWN', { pact: wanted, near: '' })
  const genesis = archived.block(kept.id, 0)
  const name = (genesis && nameIn(genesis)) || kept.alias
  return { ...kept, name, block: at => archived.block(kept.id, at) }
}

function freeAlias(kernel: Kernel, base: string): string {
  for (let n = 1; ; n++) {
    const alias = n === 1 ? base : `${base}-${n}`
    if (!kernel.pacts.find(alias)) return alias
  }
}

/** Name of the pact that a genesis founded. */
function nameIn(block: Buffer): string | null {
  const { entry } = decodeRecord(0, block)
  const payload = JSON.parse(entry?.payload.toString('utf8') ?? '{}') as { charter?: { name?: unknown } }
  return typeof payload.charter?.name === 'string' ? payload.charter.name : null
}
