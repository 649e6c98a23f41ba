/** What a skill says, checked against its sha256 wherever it is handed out. */
import { createHash } from 'node:crypto'
import { isOpenPactError, OpenPactError, type Pact, type ReadAttachmentOptions } from '../../kernel/index.ts'
import type { SkillPayload } from './entries.ts'

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/** @throws OpenPactError SKILL_CHECKSUM_MISMATCH */
export function checkContent(content: string | Buffer, expected: string): void {
  const found = sha256(content)
  if (found !== expected) throw new OpenPactError('SKILL_CHECKSUM_MISMATCH', { found, expected })
}

/** @throws OpenPactError SKILL_CONTENT_MISSING, SKILL_CHECKSUM_MISMATCH */
export async function contentOf(pact: Pact, payload: SkillPayload, options: ReadAttachmentOptions): Promise<string> {
  const { name, version, content, attachment, sha256: expected } = payload
  try {
    const text = attachment ? (await pact.attachment(attachment, options)).toString('utf8') : (content ?? '')
    checkContent(text, expected)
    return text
  } catch (error) {
    if (!isOpenPactError(error) || error.code !== 'ATTACHMENT_MISSING') throw error
    throw new OpenPactError('SKILL_CONTENT_MISSING', { name, version, ...error.details }, { cause: error })
  }
}
