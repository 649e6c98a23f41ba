/** Tools: one for each operation that asks for one, and a pair by which all others are found and called. */
import type { Operation } from '../operations/operation.ts'
import { closedSchema, plainSchema } from '../operations/schema-check.ts'
import { inputSchema, outputShape, type Schema } from './schemas.ts'

export interface ToolDefinition {
  [key: string]: unknown
  name: string
  description: string
  inputSchema: { type: 'object'; [key: string]: unknown }
  outputSchema: { type: 'object'; [key: string]: unknown }
  annotations: { readOnlyHint?: boolean; destructiveHint?: boolean; idempotentHint?: boolean }
}

/** What a tool calls, and how. */
export interface Tool {
  definition: ToolDefinition
  operation: Operation
}

/**
 * Operations that have a tool but are not in the list, as every session pays for what is: the less usual ones of the plugins that
 * come with OpenPact. find_operation finds them; called by the names of their tools they answer all the same.
 */
export const unlisted = [
  'agents.list',
  'health.report',
  'knowledge.topics',
  'messages.list',
  'messages.read',
  'messages.thread',
  'pacts.status',
  'skills.content',
  'skills.list',
  'skills.publish',
]

/** In the order of the operations, so that a list is the same every time. */
export function toolsOf(operations: readonly Operation[]): Tool[] {
  return operations.flatMap(operation => {
    const { mcp, summary } = operation
    if (!mcp) return []
    const definition: ToolDefinition = {
      name: mcp.tool,
      description: mcp.use ?? summary,
      inputSchema: withPact(operation, inputSchema(closedSchema(operation.input))),
      // Nothing is required: an error has fields of its own. What writes answers with what the tool that reads it describes.
      outputSchema: {
        type: 'object',
        properties: { result: outputShape(plainSchema(operation.output), reads(operation)) },
      },
      annotations: hints(operation),
    }
    return [{ definition, operation }]
  })
}

/** The name under which a pact is given; another one where the operation has a field of that name itself. */
export function pactArgument({ scope, input }: Operation): 'pact' | 'in_pact' | null {
  if (scope === 'daemon') return null
  return 'pact' in ((input as Schema & { properties?: object }).properties ?? {}) ? 'in_pact' : 'pact'
}

function withPact(operation: Operation, schema: Schema): ToolDefinition['inputSchema'] {
  const name = pactArgument(operation)
  const properties = { ...(schema.properties as object), ...(name ? { [name]: { type: 'string' } } : {}) }
  return { ...schema, type: 'object', properties }
}

/** What reads is neither destructive nor repeatable in any other sense than reading is. */
function hints({ access, mcp }: Operation): ToolDefinition['annotations'] {
  if (reads({ access })) return { readOnlyHint: true }
  return { destructiveHint: mcp?.destructive === true, ...(mcp?.idempotent ? { idempotentHint: true } : {}) }
}

function reads({ access }: Pick<Operation, 'access'>): boolean {
  return access === 'read' || access === 'open'
}

export const FIND = 'find_operation'
export const CALL = 'call_operation'

/** Everything that has no tool of its own. */
export const findAndCall: readonly ToolDefinition[] = [
  {
    name: FIND,
    description:
      'Use when no other tool does it: finds operations (invites, charter, messages, skills, plugins…) with their input schemas.',
    inputSchema: {
      type: 'object',
      properties: { query: { type: 'string', description: 'Words, or the name of one; empty lists all names' } },
    },
    outputSchema: { type: 'object', properties: { result: { type: 'object', required: ['operations'] } } },
    annotations: { readOnlyHint: true },
  },
  {
    name: CALL,
    description: 'Use when find_operation named what you need: calls it.',
    inputSchema: {
      type: 'object',
      properties: { name: { type: 'string' }, input: { type: 'object' }, pact: { type: 'string' } },
      required: ['name'],
    },
    outputSchema: { type: 'object', properties: { result: {} } },
    annotations: { destructiveHint: true },
  },
]
