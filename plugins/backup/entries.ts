/** The one entry type of backup: content beside an entry of an earlier pact, attached again in the pact that carries it on. */
import { type EntryType, Type } from '../../kernel/index.ts'

export const CONTENT_ENTRY = 'backup.content'

const Hex = Type.String({ pattern: '^[0-9a-f]{64}$' })

export const content: EntryType = {
  name: CONTENT_ENTRY,
  v: 1,
  summary: 'Content that an entry of an earlier pact names by its sha256, attached again in this one',
  words: 'attached content again: {attachment.hash}',
  payload: Type.Object({
    attachment: Type.Object({ core: Hex, signer: Hex, length: Type.Integer({ minimum: 1 }), hash: Hex }),
  }),
}
