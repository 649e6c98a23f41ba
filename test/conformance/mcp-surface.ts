/** The tools of an MCP session: an operation's own where it has one, else `call_operation`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OperationInfo } from '../../cli/known-operations.ts'
import type { TestDaemon } from '../support/daemon.ts'
import { type Called, type Connected, overHttp } from '../support/mcp.ts'
import type { Outcome, Surface, Target } from './surfaces.ts'

export class OverMcp implements Surface {
  readonly name = 'mcp'
  readonly #daemon: TestDaemon
  readonly #sessions = new Map<string, Promise<Connected>>()

  constructor(daemon: TestDaemon) {
    this.#daemon = daemon
  }

  offers(): boolean {
    return true
  }

  async call(
    { name, scope, mcp }: OperationInfo & { mcp?: { tool: string } },
    input: Record<string, unknown>,
    { pact, token }: Target,
  ): Promise<Outcome> {
    try {
      const { tool } = await this.#session(token ?? this.#mainToken())
      const named = scope === 'pact' ? { pact } : {}
      const { isError, result, error, message, help } = await (mcp
        ? tool(mcp.tool, { ...input, ...named })
        : tool('call_operation', { name, input, ...named }))
      return isError ? { code: error!, message: message!, help: help! } : { output: result }
    } catch (cause) {
      // Who is not let in at all hears it as an answer of HTTP.
      if (!(cause instanceof StreamableHTTPError)) throw cause
      const { error, message, help } = JSON.parse(cause.message.slice(cause.message.indexOf('{'))) as Required<Called>
      return { code: error, message, help }
    }
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) {
      // One whose token was refused, or replaced since, has no session to end any more.
      await session.then(({ close }) => close()).catch(() => {})
    }
  }

  /** As it is now: an example replaces it. */
  #mainToken(): string {
    return readFileSync(join(this.#daemon.dataDir, 'token'), 'utf8').trim()
  }

  #session(token: string): Promise<Connected> {
    const session = this.#sessions.get(token) ?? overHttp(this.#daemon.url, token)
    this.#sessions.set(token, session)
    return session
  }
}
