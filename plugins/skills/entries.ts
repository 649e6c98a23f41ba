/**
 * The one entry type of skills: a data type. Content that fits stands in the payload; larger content in a core attached to the pact.
 * Either way `sha256` is of the content as UTF-8.
 */
import { type EntryType, Type } from '../../kernel/index.ts'

export const formats = ['openclaw', 'langchain', 'generic'] as const
export type Format = (typeof formats)[number]
export const Format = Type.Enum(formats)

/** Also the name of a folder, so nothing else is allowed in it. */
export const namePattern = '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'
export const Name = Type.String({ pattern: namePattern, title: 'a name of 1 to 64 of a-z, 0-9 and -, not at an end' })
/** The official pattern of semver 2.0.0 in short; `semver` has the last word. */
export const Version = Type.String({
  maxLength: 64,
  pattern: '^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$',
  title: 'a version such as 1.2.0',
})
export const Description = Type.String({
  minLength: 1,
  maxLength: 1024,
  description: 'What it does and when to use it',
})
export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$', title: 'a sha256, 64 hex digits' })
export const RequiresApproval = Type.Boolean({ description: 'It is installed only where somebody says so expressly' })

/** Bytes (UTF-8) of the content of a skill. */
export const CONTENT_LIMIT = 4 * 1024 * 1024

const Attachment = Type.Object({ core: Sha256, signer: Sha256, length: Type.Integer({ minimum: 1 }), hash: Sha256 })

export interface SkillPayload {
  name: string
  version: string
  format: Format
  description: string
  requires_approval?: boolean
  /** Of the content, bytes. */
  size: number
  sha256: string
  content?: string
  attachment?: { core: string; signer: string; length: number; hash: string }
}

export const skill: EntryType = {
  name: 'skill',
  v: 1,
  summary: 'A version of instructions or code that agents can install',
  words: '{name}@{version}: {description}',
  payload: Type.Object(
    {
      name: Name,
      version: Version,
      format: Format,
      description: Description,
      requires_approval: Type.Optional(RequiresApproval),
      size: Type.Integer({ minimum: 1, maximum: CONTENT_LIMIT }),
      sha256: Sha256,
      content: Type.Optional(Type.String({ minLength: 1 })),
      attachment: Type.Optional(Attachment),
    },
    { oneOf: [{ required: ['content'] }, { required: ['attachment'] }] },
  ),
}
