/** What OpenPact takes of an agent's context: the list of tools, and the digest of what is new. In tokens, as bytes / 4. */
import { overHttp } from '../../test/support/mcp.ts'
import type { Bench } from '../bench.ts'

export async function context(bench: Bench): Promise<void> {
  const { daemon, client } = await bench.founder()
  const mcp = await overHttp(daemon.url, daemon.token)
  const { tools } = await mcp.client.listTools()
  await mcp.close()
  const listed = tokens(JSON.stringify(tools))

  const { body } = await daemon.post<{ token: string }>('/v1/agents', { name: 'reader' })
  const headers = { authorization: `Bearer ${body.token}` }
  await daemon.post('/v1/pacts/bench/digest', {}, headers)
  for (let i = 0; i < 50; i++) {
    await client.write()
    await client.post('/tasks', { title: `Look at entry ${i}, and say what it means for the release` })
    await client.post('/messages', { content: `Entry ${i} is there; please look at it before the evening.` })
  }
  const digest = await daemon.post('/v1/pacts/bench/digest', {}, headers)
  const told = tokens(JSON.stringify(digest.body))

  bench.report.row(`${tools.length} MCP tools`, { value: listed, unit: 'tokens' })
  bench.report.row('digest of 150 news', { value: told, unit: 'tokens' })
  bench.report.mark('MCP tools by default', listed, 'at most', 2500, 'tokens')
  bench.report.mark('digest', told, 'at most', 400, 'tokens')
}

function tokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}
