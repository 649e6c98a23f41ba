/** Near names for messages: "did you mean". */

/** ` Did you mean "x"?`, or an empty string when nothing is near. */
export function near(word: string, known: Iterable<string>): string {
  let best = ''
  let least = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const name of known) {
    const cost = distance(word.toLowerCase(), name.toLowerCase())
    if (cost < least) [best, least] = [name, cost]
  }
  return best && ` Did you mean "${best}"?`
}

/** Edits (insert, delete, replace) that turn one word into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
