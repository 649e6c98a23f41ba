/** The official MCP client on a daemon, over either transport. */
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'

const dist = fileURLToPath(new URL('../../', import.meta.url)).replace(/(dist[\\/])?$/, 'dist/')

/** What a tool answers: evidence around the operation's own answer, or a coded error. */
export interface Called {
  isError: boolean
  evidence?: string
  // biome-ignore lint/suspicious/noExplicitAny: an answer of whichever operation the test calls
  result?: any
  pending?: boolean
  error?: string
  message?: string
  help?: string
}

export interface Connected {
  client: Client
  /** @param key repeated with a repeated call, so that nothing is written twice */
  tool(name: string, input?: Record<string, unknown>, key?: string): Promise<Called>
  close(): Promise<void>
}

const named = () => new Client({ name: 'test', version: '0' })

export async function overHttp(url: string, token: string, options: { pact?: string } = {}): Promise<Connected> {
  const client = named()
  const at = new URL(`/mcp${options.pact ? `?pact=${options.pact}` : ''}`, url)
  const transport = new StreamableHTTPClientTransport(at, {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport)
  return {
    ...callerOf(client),
    close: async () => {
      await transport.terminateSession()
      await client.close()
    },
  }
}

/** `openpact mcp`, or the small package. */
export async function overStdio(
  args: string[],
  program: 'cli' | 'mcp' = 'cli',
  env: Record<string, string> = {},
): Promise<Connected> {
  const client = named()
  const command = { command: process.execPath, args: [`${dist}${program}/main.js`, ...args], env }
  await client.connect(new StdioClientTransport(command))
  return { ...callerOf(client), close: () => client.close() }
}

function callerOf(client: Client): Pick<Connected, 'client' | 'tool'> {
  return {
    client,
    tool: async (name, input = {}, key) => {
      const _meta = key === undefined ? undefined : { 'openpact/idempotency-key': key }
      const given = (await client.callTool({ name, arguments: input, _meta })) as CallToolResult
      return { isError: given.isError === true, ...given.structuredContent }
    },
  }
}
