/** `tools.json`: every operation that is made for agents, with all that a program needs to call it over HTTP. */
import { httpShape } from '../operations/http-shape.ts'
import type { Operation } from '../operations/operation.ts'
import { closedSchema } from '../operations/schema-check.ts'

export interface ToolEntry {
  name: string
  operation: string
  /** When to use it, and what it does. */
  description: string
  method: string
  /** From the root, with `:parameters`; `:pactId` is the alias or id of the pact. */
  path: string
  /** Fields of the input that stand in the path. */
  params: readonly string[]
  /** The other fields go into the query, otherwise into a JSON body. */
  query: boolean
  access: string
  input: object
}

/** In the order of their names, so that the same operations always make the same file. */
export function toolEntries(operations: readonly Operation[]): ToolEntry[] {
  const entries = operations.flatMap(operation => {
    const { name, summary, description, access, mcp } = operation
    if (!mcp) return []
    const { method, path, params, query } = httpShape(operation)
    const told = [mcp.use ?? '', summary, description ?? ''].filter(Boolean).map(sentence).join(' ')
    const input = closedSchema(operation.input)
    return [{ name: mcp.tool, operation: name, description: told, method, path, params, query, access, input }]
  })
  return entries.sort((a, b) => (a.operation < b.operation ? -1 : 1))
}

/** Declarations end with or without a full stop. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

export function toolsFile(operations: readonly Operation[]): string {
  const file = {
    about: 'Operations of an OpenPact daemon for agents. `Authorization: Bearer <token>` goes with each; see SKILL.md.',
    url: 'http://127.0.0.1:6736',
    tools: toolEntries(operations),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}
