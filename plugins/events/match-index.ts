/** Many matches, found by what they ask for first: the type or status of an event, then its topic. */
import { listOf } from './compile.ts'
import type { Match } from './match.ts'
import { type CompiledMatch, ENTRY_APPLIED, type MatchIndex, type Occurrence } from './service.ts'
import { topicGlob } from './topic-glob.ts'

/** Equal matches are tested once, however many keys have them. */
interface Group {
  match: CompiledMatch
  keys: Set<string>
}

/** Groups of one type: by exact topic, by the first part of a pattern's topic, and those that any topic may fit. */
class Shelf {
  readonly exact = new Map<string, Set<Group>>()
  readonly first = new Map<string, Set<Group>>()
  readonly any = new Set<Group>()

  places({ topic }: Match): Set<Group>[] {
    if (topic === undefined) return [this.any]
    return listOf(topic).map(pattern => {
      const { literal, prefix } = topicGlob(pattern)
      if (literal !== null) return at(this.exact, literal)
      const slash = prefix.indexOf('/')
      return slash === -1 ? this.any : at(this.first, prefix.slice(0, slash))
    })
  }

  *candidates(topic: string): Iterable<Group> {
    const slash = topic.indexOf('/')
    yield* this.any
    yield* this.exact.get(topic) ?? []
    if (slash !== -1) yield* this.first.get(topic.slice(0, slash)) ?? []
  }
}

export class TypedMatchIndex implements MatchIndex {
  readonly #groups = new Map<string, Group>()
  readonly #byKey = new Map<string, string>()
  readonly #shelves = new Map<string, Shelf>()
  #asking = 0

  get size(): number {
    return this.#byKey.size
  }

  get needsPeople(): boolean {
    return this.#asking > 0
  }

  set(key: string, match: CompiledMatch): void {
    this.delete(key)
    const text = JSON.stringify(Object.entries(match.match).sort(([a], [b]) => (a < b ? -1 : 1)))
    let group = this.#groups.get(text)
    if (!group) {
      group = { match, keys: new Set() }
      this.#groups.set(text, group)
      for (const place of this.#places(group)) place.add(group)
      if (match.needsPeople) this.#asking++
    }
    group.keys.add(key)
    this.#byKey.set(key, text)
  }

  delete(key: string): boolean {
    const text = this.#byKey.get(key)
    const group = text === undefined ? undefined : this.#groups.get(text)
    if (text === undefined || !group) return false
    this.#byKey.delete(key)
    group.keys.delete(key)
    if (group.keys.size > 0) return true
    this.#groups.delete(text)
    for (const place of this.#places(group)) place.delete(group)
    if (group.match.needsPeople) this.#asking--
    return true
  }

  find(occurrence: Occurrence): string[] {
    const found: string[] = []
    const seen = new Set<Group>()
    for (const selector of selectorsOf(occurrence)) {
      const shelf = this.#shelves.get(selector)
      if (!shelf) continue
      for (const group of shelf.candidates(occurrence.topic)) {
        if (seen.has(group)) continue
        seen.add(group)
        if (group.match.test(occurrence)) found.push(...group.keys)
      }
    }
    return found
  }

  #places({ match: { match } }: Group): Set<Group>[] {
    return wantedSelectors(match).flatMap(selector => {
      const shelf = this.#shelves.get(selector) ?? new Shelf()
      this.#shelves.set(selector, shelf)
      return shelf.places(match)
    })
  }
}

/** Under which of its properties an event is looked up, and … */
function selectorsOf({ event }: Occurrence): string[] {
  const { kind, entry } = event
  if (kind === ENTRY_APPLIED) return [`type ${entry?.type ?? ''}`, 'all']
  return [`type ${kind}`, `status ${kind.slice(kind.lastIndexOf('.') + 1)}`, 'all']
}

/** … under which of them a match is found: always under one that an event which fits has. */
function wantedSelectors({ type, status }: Match): string[] {
  const types = listOf(type)
  if (status === undefined) return types.length === 0 ? ['all'] : types.map(name => `type ${name}`)
  return listOf(status).map(word => `status ${word}`)
}

function at(map: Map<string, Set<Group>>, key: string): Set<Group> {
  const set = map.get(key) ?? new Set()
  map.set(key, set)
  return set
}
