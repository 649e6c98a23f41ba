/** What a skill says, checked against its sha256 wherever it is handed out. */
import { createHash } from 'node:crypto'
import { isOpenPactError, OpenPactError } from '../../kernel/index.ts'
import { type AttachmentRef, attachments, type ReadAttachmentOptions } from '../attachments/service.ts'
import { keptContent } from '../backup/service.ts'
import type { Call } from '../operations/operation.ts'
import { readModel } from '../read-model/service.ts'
import type { SkillPayload } from './entries.ts'
import { attachedAgain } from './queries.ts'

/** Where a skill is read. */
type Place = Pick<Call, 'pact' | 'kernel' | 'use'>

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/** @throws OpenPactError SKILL_CHECKSUM_MISMATCH */
export function checkContent(content: string | Buffer, expected: string): void {
  const found = sha256(content)
  if (found !== expected) throw new OpenPactError('SKILL_CHECKSUM_MISMATCH', { found, expected })
}

/**
 * The content of a skill: out of its entry, or attached, or attached again when the pact was refounded, or as a restored archive has it.
 * @throws OpenPactError SKILL_CONTENT_MISSING, SKILL_CHECKSUM_MISMATCH, ATTACHMENT_FOREIGN, ATTACHMENT_CORRUPT
 */
export async function contentOf(place: Place, payload: SkillPayload, options: ReadAttachmentOptions): Promise<string> {
  const { name, version, content, attachment, sha256: expected } = payload
  try {
    const text = attachment ? (await attached(place, attachment, options)).toString('utf8') : (content ?? '')
    checkContent(text, expected)
    return text
  } catch (error) {
    if (!isOpenPactError(error) || error.code !== 'ATTACHMENT_MISSING') throw error
    throw new OpenPactError('SKILL_CONTENT_MISSING', { name, version, ...error.details }, { cause: error })
  }
}

/** Whether all of it is on this machine. */
export async function isHere(place: Place, { attachment, sha256: expected }: SkillPayload): Promise<boolean> {
  if (!attachment) return true
  const { pact, kernel, use } = place
  for (const ref of references(place, attachment))
    if (await use(attachments).held(pact, ref).catch(foreign)) return true
  return (await keptContent(kernel.dataDir, pact.id, expected)) !== null
}

/** First what is here, then whoever sends it first. */
async function attached(place: Place, ref: AttachmentRef, options: ReadAttachmentOptions): Promise<Buffer> {
  const { pact, kernel } = place
  const beside = place.use(attachments)
  const fetchable: AttachmentRef[] = []
  const errors: OpenPactError[] = []
  for (const known of references(place, ref)) {
    try {
      return await beside.read(pact, known, { timeout: 0 })
    } catch (error) {
      if (!isOpenPactError(error)) throw error
      errors.push(error)
      if (error.code === 'ATTACHMENT_MISSING') fetchable.push(known)
    }
  }
  const kept = await keptContent(kernel.dataDir, pact.id, ref.hash)
  if (kept) return kept
  if (fetchable.length === 0) throw errors[0]
  try {
    return await Promise.any(fetchable.map(known => beside.read(pact, known, options)))
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  }
}

function references({ pact, use }: Place, ref: AttachmentRef): AttachmentRef[] {
  return [ref, ...attachedAgain(use(readModel), pact, ref.hash)]
}

/** The entry was written for an earlier pact. */
function foreign(error: unknown): false {
  if (isOpenPactError(error) && error.code === 'ATTACHMENT_FOREIGN') return false
  throw error
}
