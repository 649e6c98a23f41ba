/** Carries a pact on that nobody can confirm any more: a new pact that names the old one's end and imports its log. */
import {
  type Draft,
  decodeRecord,
  IMPORT,
  joinBlocks,
  type Kernel,
  type LogRecord,
  limits,
  OpenPactError,
  type Pact,
} from '../../kernel/index.ts'
import { attachments } from '../attachments/service.ts'
import type { ArchivedLogs } from './archived.ts'
import { contentHere, type Named, note, type Tally } from './attached.ts'
import { CONTENT_ENTRY } from './entries.ts'
import './errors.ts'

/** Where the log of a pact is: open here, or in a restored archive. */
export interface Source {
  id: string
  alias: string
  key: Buffer
  length: number
  chain: Buffer
  name: string
  /** Null when it is in an archive alone. */
  open: Pact | null
  /** What keeps it from being confirmed, in plain words; empty when nothing does. */
  held: string
  block(position: number): Promise<Buffer | null> | Buffer | null
}

/** The longer one of the log that is open here and the archived one. @throws OpenPactError PACT_UNKNOWN, BACKUP_PARTIAL */
export async function sourceOf(kernel: Kernel, archived: ArchivedLogs, wanted: string): Promise<Source> {
  const named = kernel.pacts.find(wanted)
  const other = archived.find(wanted)
  if (named && other?.state === 'waiting' && other.id !== named.id)
    throw new OpenPactError('PACTS_NAMESAKE', { pact: wanted, open: named.id, archived: other.id })
  const kept = named ? archived.find(named.id) : other
  if (!kept) return liveSource(named ?? kernel.pacts.get(wanted))
  const open = named ?? kernel.pacts.find(kept.id)
  if (open && open.length >= kept.length) return liveSource(open)
  const genesis = archived.block(kept.id, 0)
  const name = (genesis && nameIn(genesis)) || kept.alias
  const held = 'it came out of an archive, and no member has let this machine in since.'
  return { ...kept, name, open, held, block: at => archived.block(kept.id, at) }
}

async function liveSource(open: Pact): Promise<Source> {
  const { id, alias, key, length } = open
  const { name, waiting, contiguous } = await open.status()
  const last = await open.record(length - 1)
  if (!last) throw new OpenPactError('BACKUP_PARTIAL', { pact: alias, have: contiguous, of: length })
  const held = waiting && `${waiting} ${await lastConfirmed(open)}`
  return { id, alias, key, length, chain: last.chain, name: name || alias, open, held, block: at => open.block(at) }
}

async function lastConfirmed(pact: Pact): Promise<string> {
  const record: LogRecord | null = pact.confirmed > 0 ? await pact.record(pact.confirmed - 1) : null
  const at = record?.entry?.timestamp
  return at === undefined ? 'None is confirmed yet.' : `The last confirmed one is of ${new Date(at).toISOString()}.`
}

/** Imports what the new pact does not hold yet, and attaches content again. May be cut short and called again. */
export async function carryOver(
  kernel: Kernel,
  source: Source,
  pact: Pact,
  attached: ReadonlySet<string>,
): Promise<Tally> {
  const done = (await pact.status()).refounds?.done ?? 0
  const named: Named = new Map()
  let slice: Buffer[] = []
  let size = 0
  const send = async () => {
    if (slice.length > 0) await write(pact, { type: IMPORT, enc: 'records', payload: joinBlocks(slice) })
    slice = []
    size = 0
  }
  for (let position = 0; position < source.length; position++) {
    const block = await source.block(position)
    if (!block) throw new OpenPactError('BACKUP_PARTIAL', { pact: source.alias, have: position, of: source.length })
    note(named, decodeRecord(position, block))
    if (position < done) continue
    if (size + block.length + 4 > limits.payload) await send()
    slice.push(block)
    size += block.length + 4
  }
  await send()
  return attachAgain(kernel, pact, source, named, attached)
}

/** The core of an attachment belongs to its pact: what this machine has of the old one's is attached in the new one, for all its members. */
async function attachAgain(
  kernel: Kernel,
  pact: Pact,
  old: Source,
  named: Named,
  attached: ReadonlySet<string>,
): Promise<Tally> {
  const tally: Tally = { contents: 0, contents_missing: 0 }
  for (const [hash, refs] of named) {
    const bytes = attached.has(hash) ? null : await contentHere(kernel, old, refs)
    const attachment = bytes && (await kernel.use(attachments).attach(pact, bytes))
    if (attachment) await write(pact, { type: CONTENT_ENTRY, payload: { attachment } })
    if (bytes || attached.has(hash)) tally.contents++
    else tally.contents_missing++
  }
  return tally
}

async function write(pact: Pact, draft: Draft): Promise<void> {
  const [receipt] = await pact.append([draft])
  if (receipt?.verdict !== 'accepted')
    throw new OpenPactError('ENTRY_REFUSED', { id: receipt?.id, type: draft.type, verdict: receipt?.verdict })
}

/** Name of the pact that a genesis founded. */
function nameIn(block: Buffer): string | null {
  const { entry } = decodeRecord(0, block)
  const payload = JSON.parse(entry?.payload.toString('utf8') ?? '{}') as { charter?: { name?: unknown } }
  return typeof payload.charter?.name === 'string' ? payload.charter.name : null
}
