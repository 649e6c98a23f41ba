/** The sessions of MCP clients. The routes hand requests over to it; tests and status look at how many there are. */
import { serviceRef } from '../../kernel/index.ts'
import type { RouteCall } from '../http/route.ts'

export interface Mcp {
  /** Sessions that are open now. */
  readonly size: number
  /** Answers one request of the Streamable HTTP transport. @throws OpenPactError MCP_SESSION_MISSING, MCP_SESSION_UNKNOWN, MCP_SESSIONS_FULL */
  serve(call: RouteCall): Promise<unknown>
  /** Ends every session. */
  close(): Promise<void>
}

export const mcp = serviceRef<Mcp>('mcp', 1)
