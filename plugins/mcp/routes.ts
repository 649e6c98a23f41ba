/** `/mcp`: requests and notifications by POST, what the server has to say by itself as a stream by GET, the end by DELETE. */
import { type Route, route } from '../http/route.ts'
import { mcp } from './service.ts'

function mcpRoute(method: Route['method'], summary: string) {
  return route({
    method,
    path: '/mcp',
    access: 'read',
    leads: true,
    summary,
    handle: call => call.ctx.use(mcp).serve(call),
  })
}

export const postMcp = mcpRoute(
  'POST',
  'MCP over Streamable HTTP. `initialize` begins a session; with ?pact=<alias or id> that pact is meant where none is named.',
)
export const getMcp = mcpRoute('GET', 'The stream of notifications of an MCP session (server-sent events)')
export const deleteMcp = mcpRoute('DELETE', 'Ends an MCP session')
