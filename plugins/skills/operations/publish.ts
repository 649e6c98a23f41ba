import valid from 'semver/functions/valid.js'
import { OpenPactError, type Pact, Type } from '../../../kernel/index.ts'
import { attachments } from '../../attachments/service.ts'
import { type Call, operation, Waiting } from '../../operations/operation.ts'
import { Unsettled, unsettled } from '../../operations/unsettled.ts'
import { type EntryView, readModel } from '../../read-model/service.ts'
import { checkContent, sha256 } from '../content.ts'
import {
  CONTENT_LIMIT,
  Description,
  Format,
  Name,
  RequiresApproval,
  Sha256,
  type SkillPayload,
  Version,
} from '../entries.ts'
import { Namesakes } from '../namesakes.ts'
import { SkillEntry, skillEntry } from '../shapes.ts'
import { versionKey } from '../version-key.ts'

/** Bytes of content, as JSON, that leave room for the rest of the payload (64 KiB). */
const INLINE = 56 * 1024

export const publishSkill = operation({
  name: 'skills.publish',
  summary: 'Publish a version of a skill',
  description:
    'What was published is never changed; who knows better publishes a higher version. Content of up to 4 MiB: what does not fit ' +
    'an entry is kept beside it and fetched by the other members.',
  http: 'POST /skills',
  access: 'write',
  created: true,
  // JSON may need two bytes for one, and more for odd ones.
  bodyLimit: 3 * CONTENT_LIMIT,
  input: Type.Object({
    name: Name,
    version: Version,
    content: Type.String({ minLength: 1, description: 'The text of the skill' }),
    description: Description,
    format: Type.Optional(Format),
    requires_approval: Type.Optional(RequiresApproval),
    sha256: Type.Optional(Sha256),
    ...Waiting,
  }),
  output: Type.Object({
    ...SkillEntry.properties,
    ...Unsettled,
    repeated: Type.Optional(
      Type.Literal(true, { description: 'It had been published before, so nothing was published now' }),
    ),
  }),
  errors: ['SKILL_VERSION_EXISTS', 'SKILL_TOO_LARGE', 'SKILL_CHECKSUM_MISMATCH', 'PAYLOAD_TOO_LARGE'],
  cli: {
    path: 'skill publish',
    args: ['name', 'version', 'content'],
    file: 'content',
    notes: { repeated: 'This content had been published as this version before, so nothing was published now.' },
  },
  mcp: {
    tool: 'publish_skill',
    use: 'Use when instructions that you worked out would serve other agents again; raise the version when you change them.',
  },
  async run(
    { name, version, content, description, format = 'generic', requires_approval, sha256: expected, ...waiting },
    call,
  ) {
    const { pact } = call
    const { until = 'applied', timeout } = waiting
    const key = versionKey(version)
    if (key === null || valid(version) === null)
      throw new OpenPactError('INVALID_INPUT', { reason: `"version" should be a semantic version, not "${version}".` })
    const bytes = Buffer.from(content, 'utf8')
    if (bytes.length > CONTENT_LIMIT)
      throw new OpenPactError('SKILL_TOO_LARGE', { size: bytes.length, limit: CONTENT_LIMIT })
    if (expected !== undefined) checkContent(bytes, expected)
    const model = call.use(readModel)
    const digest = sha256(bytes)
    const about = { name, version, format, description, requires_approval, size: bytes.length, sha256: digest }
    const shown = (entry: EntryView) => skillEntry(entry, new Namesakes(model, pact, name))
    return alone(pact, `${name}@${version}`, async () => {
      const known = knownVersion(call, name, version, key)
      if (known) {
        const own = known.agent === call.kernel.identity.agent(call.caller.agent)?.key.toString('hex')
        // The same again is a retry, and published already.
        if (own && (known.payload as SkillPayload).sha256 === digest)
          return { ...shown(known), repeated: true as const }
        throw new OpenPactError('SKILL_VERSION_EXISTS', { name, version, id: known.id })
      }
      const inline = Buffer.byteLength(JSON.stringify(content)) <= INLINE
      const body = inline ? { content } : { attachment: await call.use(attachments).attach(pact, bytes) }
      const draft = { type: 'skill', payload: { ...about, ...body }, ...(inline ? {} : { attached: [content] }) }
      const receipt = await call.append(draft, { until, timeout })
      const entry = model.entry(pact, receipt.id)
      if (!entry) throw new OpenPactError('ENTRY_UNKNOWN', { id: receipt.id })
      if (until === 'applied' || receipt.confirmed) return shown(entry)
      return { ...shown(entry), ...(await unsettled(call)) }
    })
  },
})

/** What stands in the way of a version: that of the own identity, or of the one that the name belongs to. */
function knownVersion(call: Call, name: string, version: string, key: string): EntryView | null {
  const { pact, kernel } = call
  const model = call.use(readModel)
  const namesakes = new Namesakes(model, pact, name)
  for (const person of new Set([kernel.identity.key.toString('hex'), namesakes.owner])) {
    const row = person === null ? null : namesakes.version(person, version, key)
    const entry = row && model.entryAt(pact, row.position)
    if (entry) return entry
  }
  return null
}

/** What is published in each pact right now, by name and version. */
const underWay = new WeakMap<Pact, Map<string, Promise<unknown>>>()

/** Of two on this machine that publish the same version at once, the second looks when the first is done. */
async function alone<T>(pact: Pact, version: string, publish: () => Promise<T>): Promise<T> {
  const all = underWay.get(pact) ?? new Map<string, Promise<unknown>>()
  underWay.set(pact, all)
  const before = all.get(version)
  const work = before ? before.then(publish, publish) : publish()
  all.set(version, work)
  try {
    return await work
  } finally {
    if (all.get(version) === work) all.delete(version)
  }
}
