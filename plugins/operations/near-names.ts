/** Near misses: what a mistyped name may have meant. */

/** Longer words are cut before they are compared, so that a hostile name costs little. */
const LONGEST = 120

/** The names nearest to `word`, best first; at most `count`, none that differ in more than a third. */
export function nearNames(word: string, names: Iterable<string>, count = 3): string[] {
  const wanted = word.slice(0, LONGEST).toLowerCase()
  const found: { name: string; cost: number }[] = []
  for (const name of new Set(names)) {
    const known = name.slice(0, LONGEST).toLowerCase()
    const limit = Math.max(2, Math.floor(Math.max(wanted.length, known.length) / 3))
    // A shortened name ("desc" for "description") is a near miss too, however much is missing.
    const begins = wanted.length >= 3 && known.startsWith(wanted)
    const cost = Math.min(distance(wanted, known, limit), begins ? 1 : limit + 1)
    if (cost <= limit) found.push({ name, cost })
  }
  found.sort((a, b) => a.cost - b.cost || (a.name < b.name ? -1 : 1))
  return found.slice(0, count).map(({ name }) => name)
}

/** ` Did you mean "a" or "b"?`, or an empty string: made to follow a sentence. */
export function didYouMean(word: string, names: Iterable<string>): string {
  const near = nearNames(word, names)
  return near.length === 0 ? '' : ` Did you mean ${near.map(name => `"${name}"`).join(' or ')}?`
}

/** Letters to insert, delete or replace (Levenshtein); anything above `limit` is answered as `limit + 1`. */
export function distance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    let least = row
    for (let column = 1; column <= b.length; column++) {
      const replaced = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      const cost = Math.min(replaced, above[column]! + 1, current[column - 1]! + 1)
      current.push(cost)
      least = Math.min(least, cost)
    }
    if (least > limit) return limit + 1
    above = current
  }
  return above[b.length]!
}
