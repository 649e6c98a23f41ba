/** Near names for messages: "did you mean". */

/** ` Did you mean "x"?`, or an empty string when nothing is near: of three letters, two must stay. */
export function near(word: string, known: Iterable<string>): string {
  let best = ''
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const name of known) {
    const cost = distance(word.toLowerCase(), name.toLowerCase())
    if (cost < least) [best, least] = [name, cost]
  }
  return best && ` Did you mean "${best}"?`
}

/** Slips (a letter too much, too few, another one, two in the wrong order) that turn one word into the other. */
function distance(a: string, b: string): number {
  const cost = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i + j))
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const other = cost[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cost[i - 2]![j - 2]! + 1 : other
      cost[i]![j] = Math.min(other, swapped, cost[i - 1]![j]! + 1, cost[i]![j - 1]! + 1)
    }
  }
  return cost[a.length]![b.length]!
}
