/** `find_operation`: which operations fit some words, with all one needs to call them. */
import { nearNames } from '../operations/near-names.ts'
import type { Operation } from '../operations/operation.ts'
import { closedSchema, plainSchema } from '../operations/schema-check.ts'

/** Described in full; what else fits is named. */
const SHOWN = 4

export interface Found {
  /** The best first, with their schemas. */
  operations: object[]
  /** Others that fit, or all of them when nothing was asked: name and summary. */
  others: { name: string; summary: string }[]
}

export function findOperations(operations: readonly Operation[], query: string): Found {
  const words = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const brief = ({ name, summary }: Operation) => ({ name, summary })
  if (words.length === 0) return { operations: [], others: operations.map(brief) }
  const exact = operations.find(({ name, mcp }) => name === query || mcp?.tool === query)
  const ranked = exact ? [exact] : rank(operations, words)
  // A mistyped name fits nothing, but is near something.
  if (ranked.length === 0) {
    const names = new Map(operations.map(operation => [operation.name, operation]))
    for (const name of nearNames(query, names.keys())) ranked.push(names.get(name)!)
  }
  return { operations: ranked.slice(0, SHOWN).map(inFull), others: ranked.slice(SHOWN, 20).map(brief) }
}

/** By the words that stand in name, tool, summary or description; a word in the name counts for more. */
function rank(operations: readonly Operation[], words: readonly string[]): Operation[] {
  const scored = operations.map(operation => {
    const { name, summary, description = '', mcp } = operation
    const named = `${name} ${mcp?.tool ?? ''}`.toLowerCase()
    const told = `${summary} ${description} ${mcp?.use ?? ''}`.toLowerCase()
    const stem = (word: string) => (word.length > 3 ? word.replace(/s$/, '') : word)
    const score = words
      .map(stem)
      .reduce((sum, word) => sum + (named.includes(word) ? 3 : told.includes(word) ? 1 : 0), 0)
    return { operation, score }
  })
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || (a.operation.name < b.operation.name ? -1 : 1))
    .map(({ operation }) => operation)
}

function inFull(operation: Operation): object {
  const { name, summary, description, scope = 'pact', access, input, output, errors = [] } = operation
  return {
    name,
    summary,
    ...(description === undefined ? {} : { description }),
    scope,
    access,
    input: closedSchema(input),
    output: plainSchema(output),
    errors,
  }
}
