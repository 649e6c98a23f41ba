/** The order of plugins: whoever is required comes first, ties by name. The order in the configuration plays no part. */

export interface Node {
  name: string
  /** Names that must come before. Unknown names are ignored. */
  needs: readonly string[]
}

/** Sorts topologically. Nodes of a cycle, and each cycle as the names along it, are told apart from the sorted rest. */
export function order(nodes: readonly Node[]): { sorted: string[]; cycles: string[][] } {
  const waiting = new Map([...nodes].sort((a, b) => (a.name < b.name ? -1 : 1)).map(node => [node.name, node.needs]))
  const sorted: string[] = []
  const cycles: string[][] = []
  while (waiting.size > 0) {
    const next = [...waiting].find(([, needs]) => needs.every(need => !waiting.has(need)))
    if (next) {
      sorted.push(next[0])
      waiting.delete(next[0])
    } else {
      const cycle = cycleIn(waiting)
      cycles.push(cycle)
      for (const name of cycle) waiting.delete(name)
    }
  }
  return { sorted, cycles }
}

/** Follows the first need that still waits until a name comes again. Every waiting node has such a need. */
function cycleIn(waiting: ReadonlyMap<string, readonly string[]>): string[] {
  const path: string[] = []
  let name = waiting.keys().next().value!
  while (!path.includes(name)) {
    path.push(name)
    name = waiting.get(name)!.find(need => waiting.has(need))!
  }
  return path.slice(path.indexOf(name))
}
