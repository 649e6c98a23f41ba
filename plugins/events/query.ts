/** A match out of a query string: field by field, or whole as JSON. */
import { OpenPactError } from '../../kernel/index.ts'
import { flatFields } from './match.ts'

/** Lists of these are separated by commas; topics and texts may contain one. */
const lists = new Set<string>(['type', 'status', 'agent', 'owner', 'role', 'priority', 'assignee'])

/** Null when nothing narrows what is wanted. @throws OpenPactError MATCH_INVALID when `match` is no JSON object */
export function matchOf(query: Record<string, unknown>): Record<string, unknown> | null {
  const match: Record<string, unknown> = { ...json(query.match) }
  // The older name of the list.
  const types = [...texts(query.type), ...texts(query.types)]
  for (const field of flatFields) {
    const given = field === 'type' ? types : texts(query[field])
    const values = lists.has(field) ? given.flatMap(text => text.split(',')) : given
    const some = values.filter(text => text !== '')
    if (some.length > 0) match[field] = some.length === 1 ? some[0] : [...new Set(some)]
  }
  return Object.keys(match).length > 0 ? match : null
}

function json(text: unknown): object {
  if (typeof text !== 'string' || text === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below.
  }
  throw new OpenPactError('MATCH_INVALID', { reason: '"match" should be a JSON object.' })
}

function texts(value: unknown): string[] {
  const all = Array.isArray(value) ? value : [value]
  return all.filter(text => typeof text === 'string')
}
