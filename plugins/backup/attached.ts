/**
 * Content that stands beside entries (attachments): which of it a log names, what of it is on this machine, and the folder in which a
 * restored machine keeps what came with the archive: `contents/<pact>/<sha256>` in the data directory.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ACCEPTED, isOpenPactError, type Kernel, type LogRecord, type Pact } from '../../kernel/index.ts'
import { type AttachmentRef, attachments } from '../attachments/service.ts'
import { fileFrames } from './frames.ts'

const HASH = /^[0-9a-f]{64}$/

/** How many contents are there, and how many are named by entries but were not on the machine. */
export interface Tally {
  contents: number
  contents_missing: number
}

/** References of a log by the sha256 of what they stand for. The same content may be attached more than once. */
export type Named = Map<string, AttachmentRef[]>

/** Notes what an entry names: every accepted payload whose `attachment` is a reference. */
export function note(named: Named, { verdict, entry }: Pick<LogRecord, 'verdict' | 'entry'>): void {
  if (!entry || verdict !== ACCEPTED || entry.enc || !entry.payload.includes('"attachment"')) return
  const ref = attachmentIn(entry.payload)
  if (!isRef(ref)) return
  const refs = named.get(ref.hash)
  if (refs) refs.push(ref)
  else named.set(ref.hash, [ref])
}

function attachmentIn(payload: Buffer): unknown {
  try {
    return (JSON.parse(payload.toString('utf8')) as { attachment?: unknown } | null)?.attachment
  } catch {
    // Nobody keeps a member from signing what is no JSON.
    return undefined
  }
}

function isRef(value: unknown): value is AttachmentRef {
  if (typeof value !== 'object' || value === null) return false
  const { core, signer, hash, length } = value as Record<string, unknown>
  if (!Number.isSafeInteger(length)) return false
  return [core, signer, hash].every(text => typeof text === 'string' && HASH.test(text))
}

/** Content that an archive brought along for a pact, its hash checked; null when it did not. */
export async function keptContent(dataDir: string, pact: string, hash: string): Promise<Buffer | null> {
  if (!HASH.test(pact) || !HASH.test(hash)) return null
  const bytes = await readFile(join(dataDir, 'contents', pact, hash)).catch(() => null)
  return bytes && createHash('sha256').update(bytes).digest('hex') === hash ? bytes : null
}

/** Content that is on this machine, in an open pact or out of an archive. Asks nobody else. */
export async function contentHere(
  kernel: Kernel,
  pact: { id: string; open: Pact | null },
  refs: readonly AttachmentRef[],
): Promise<Buffer | null> {
  const { open } = pact
  for (const ref of open ? refs : []) {
    const read = open && kernel.use(attachments).read(open, ref, { timeout: 0 })
    const bytes = await read?.catch((error: unknown) => {
      // Of another pact, not here, or not what was announced: another reference may do.
      if (!isOpenPactError(error)) throw error
      return null
    })
    if (bytes) return bytes
  }
  return refs[0] ? keptContent(kernel.dataDir, pact.id, refs[0].hash) : null
}

/** All that is here of what a pact's log names, one file each: `contents/<pact>/<sha256>`. */
export async function* contentFrames(kernel: Kernel, pact: Pact, named: Named, tally: Tally): AsyncGenerator<Buffer> {
  for (const [hash, refs] of named) {
    const bytes = await contentHere(kernel, { id: pact.id, open: pact }, refs)
    if (bytes) {
      tally.contents++
      yield* fileFrames(`contents/${pact.id}/${hash}`, bytes)
    } else tally.contents_missing++
  }
}

/** What an earlier archive brought along for a pact that is not open here yet; its log is in local.db. */
export async function* keptFrames(dataDir: string, pact: string, tally: Tally): AsyncGenerator<Buffer> {
  for (const hash of await readdir(join(dataDir, 'contents', pact)).catch(() => [])) {
    const bytes = await keptContent(dataDir, pact, hash)
    if (!bytes) continue
    tally.contents++
    yield* fileFrames(`contents/${pact}/${hash}`, bytes)
  }
}
