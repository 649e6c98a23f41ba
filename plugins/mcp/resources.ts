/** Resources: entries, topics and tasks of a pact, by addresses that can be followed. */
import { isOpenPactError, OpenPactError } from '../../kernel/index.ts'
import type { Answer } from '../operations/service.ts'
import { evidenceOf } from './evidence.ts'
import { aliasOf, type Parts, pactMeant } from './parts.ts'
import type { Session } from './session.ts'

type Kind = 'entries' | 'topics' | 'tasks'

export interface Address {
  /** Alias or id, as it was given. */
  pact: string
  kind: Kind
  /** Id of an entry or task, or a topic. */
  id: string
}

/** What answers for each kind. */
const readers: Record<Kind, { operation: string; input: (id: string) => object }> = {
  entries: { operation: 'entries.get', input: id => ({ id }) },
  topics: { operation: 'entries.list', input: topic => ({ topic }) },
  tasks: { operation: 'tasks.show', input: id => ({ id }) },
}

const mimeType = 'application/json'

export const templates = [
  ['entries/{id}', 'entry', 'One entry with author, verdict and place in the ledger'],
  ['topics/{topic}', 'topic', 'The newest entries on a topic (percent-encoded)'],
  ['tasks/{id}', 'task', 'A task with its history'],
].map(([path, name, description]) => ({
  uriTemplate: `openpact://{pact}/${path}`,
  name: name!,
  description: description!,
  mimeType,
}))

/** @throws OpenPactError MCP_RESOURCE_UNKNOWN */
export function addressOf(uri: string): Address {
  const [, pact, kind, id] = /^openpact:\/\/([^/?#]+)\/(entries|topics|tasks)\/([^/?#]+)$/.exec(uri) ?? []
  try {
    if (pact && kind && id) return { pact: decodeURIComponent(pact), kind: kind as Kind, id: decodeURIComponent(id) }
  } catch {
    // Percent signs that stand for nothing: no such resource.
  }
  throw new OpenPactError('MCP_RESOURCE_UNKNOWN', { uri: uri.slice(0, 200) })
}

export function uriOf({ pact, kind, id }: Address): string {
  return `openpact://${encodeURIComponent(pact)}/${kind}/${encodeURIComponent(id)}`
}

/** Reads a resource as the caller may. @throws OpenPactError those of the operation behind it */
export async function readResource(uri: string, session: Session, { operations, kernel }: Parts, signal: AbortSignal) {
  const { pact, kind, id } = addressOf(uri)
  const { operation, input } = readers[kind]
  const answer = await operations.invoke(operation, input(id), { caller: session.caller, pact, signal })
  const evidence = evidenceOf(answer, aliasOf(kernel, pact))
  return { contents: [{ uri, mimeType, text: JSON.stringify(evidence) }] }
}

interface Listed {
  entries: Record<string, unknown>[]
  cursor: string | null
}

/** How the resources of a pact are listed: one kind after the other, each in pages. */
const lists = [
  { kind: 'topics' as Kind, operation: 'knowledge.topics', id: 'topic', title: 'topic' },
  { kind: 'tasks' as Kind, operation: 'tasks.list', id: 'id', title: 'title' },
]

/** Topics and tasks of the pact that is meant, a page at a time. @throws OpenPactError MCP_NO_PACT, CURSOR_INVALID */
export async function listResources(cursor: string | undefined, session: Session, parts: Parts, signal: AbortSignal) {
  const wanted = pactMeant(session, parts)
  const pact = aliasOf(parts.kernel, wanted)
  const [, place = '0', rest = ''] = /^(\d):(.*)$/.exec(cursor ?? '') ?? []
  for (let at = Number(place), after = rest; at < lists.length; at++, after = '') {
    const { kind, operation, id, title } = lists[at]!
    const page = await listed(operation, after, { session, parts, pact: wanted, signal })
    if (!page || page.entries.length === 0) continue
    const resources = page.entries.map(entry => ({
      uri: uriOf({ pact, kind, id: String(entry[id]) }),
      name: `${kind}/${String(entry[id])}`,
      title: String(entry[title]),
      mimeType,
    }))
    const next = page.cursor ? `${at}:${page.cursor}` : at + 1 < lists.length ? `${at + 1}:` : null
    return { resources, ...(next === null ? {} : { nextCursor: next }) }
  }
  return { resources: [] }
}

/** A page of a list; null where the operation is not installed, or not for this caller. */
async function listed(
  operation: string,
  cursor: string,
  { session, parts, pact, signal }: { session: Session; parts: Parts; pact: string; signal: AbortSignal },
): Promise<Listed | null> {
  const input = cursor === '' ? {} : { cursor }
  try {
    const answer: Answer = await parts.operations.invoke(operation, input, { caller: session.caller, pact, signal })
    return answer.output as Listed
  } catch (error) {
    if (isOpenPactError(error) && ['OPERATION_UNKNOWN', 'OUT_OF_SCOPE'].includes(error.code)) return null
    throw error
  }
}
