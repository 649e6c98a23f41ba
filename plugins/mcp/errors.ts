/** Error codes of the mcp plugin. */
import { defineErrors } from '../../kernel/index.ts'

export const mcpErrors = defineErrors({
  MCP_SESSION_MISSING: {
    kind: 'invalid',
    message: 'The request belongs to no session.',
    help: 'Begin with an `initialize` request, then send the header Mcp-Session-Id that its answer carries.',
  },
  MCP_SESSION_UNKNOWN: {
    kind: 'missing',
    message: 'There is no such session: it ended, was idle for too long, or belongs to another token.',
    help: 'Begin a new one with an `initialize` request.',
  },
  MCP_SESSIONS_FULL: {
    kind: 'limited',
    message: 'All {limit} sessions are in use.',
    help: 'End one that is not needed any more; idle ones end by themselves.',
  },
  MCP_NO_PACT: {
    kind: 'invalid',
    message: 'No pact is named, and none is meant by itself.',
    help: 'Give `pact`, an alias or id. On this machine: {pacts}.',
  },
  MCP_TOOL_UNKNOWN: {
    kind: 'missing',
    message: 'There is no tool "{name}".',
    help: 'List the tools, or look for an operation with find_operation.{near}',
  },
  MCP_RESOURCE_UNKNOWN: {
    kind: 'missing',
    message: '"{uri}" names no resource.',
    help: 'Resources are openpact://<pact>/entries/<id>, openpact://<pact>/topics/<topic> and openpact://<pact>/tasks/<id>.',
  },
  MCP_PROMPT_UNKNOWN: {
    kind: 'missing',
    message: 'There is no prompt "{name}".',
    help: 'There are catch_me_up and hand_over.',
  },
})
