/**
 * Patterns of topics: `*` stands for anything but "/", `**` for anything, `?` for one character but "/". All else is literal. Tested
 * in one pass with a set of places in the pattern, so that no pattern and no topic can make it slow.
 */

type Part = { literal: string } | 'one' | 'some' | 'any'

export interface TopicGlob {
  /** The text itself when there is nothing to stand for something else; otherwise null. */
  readonly literal: string | null
  /** What every topic begins with that fits. */
  readonly prefix: string
  test(topic: string): boolean
}

export function topicGlob(pattern: string): TopicGlob {
  const parts: Part[] = (pattern.match(/\*\*+|\*|\?|[^*?]/gu) ?? []).map(text =>
    text === '?' ? 'one' : text === '*' ? 'some' : text.startsWith('**') ? 'any' : { literal: text },
  )
  const special = parts.findIndex(part => typeof part === 'string')
  if (special === -1) return { literal: pattern, prefix: pattern, test: topic => topic === pattern }
  const prefix = parts
    .slice(0, special)
    .map(part => (typeof part === 'string' ? '' : part.literal))
    .join('')
  const rest = parts.slice(special)
  return {
    literal: null,
    prefix,
    test: topic => topic.startsWith(prefix) && fits(rest, topic.slice(prefix.length)),
  }
}

function fits(parts: readonly Part[], text: string): boolean {
  let places = new Set<number>()
  reach(parts, places, 0)
  for (const character of text) {
    const next = new Set<number>()
    for (const place of places) {
      const part = parts[place]
      if (part === undefined) continue
      if (part === 'any' || (part === 'some' && character !== '/')) reach(parts, next, place)
      else if (part === 'one' ? character !== '/' : typeof part === 'object' && part.literal === character)
        reach(parts, next, place + 1)
    }
    if (next.size === 0) return false
    places = next
  }
  return places.has(parts.length)
}

/** A place, and those behind it that need no character. */
function reach(parts: readonly Part[], places: Set<number>, from: number): void {
  for (let place = from; !places.has(place); place++) {
    places.add(place)
    if (parts[place] !== 'some' && parts[place] !== 'any') return
  }
}
