/** `openpact mcp`: MCP over stdio, for clients that start their servers as programs. */
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { bridge } from '../../mcp/bridge.ts'
import { readToken } from '../place.ts'
import type { Session } from '../session.ts'

export function mcpCommand(program: Command, session: () => Session): void {
  program
    .command('mcp')
    .summary('speak MCP on stdin and stdout')
    .description(
      'Speak MCP on stdin and stdout, for clients that start their servers as programs. --pact: which one is meant.',
    )
    .action(async () => {
      const shell = session()
      const connect = () => {
        const daemon = shell.daemon()
        if (!daemon) throw new OpenPactError('DAEMON_DOWN', { place: shell.place.dataDir })
        return { url: daemon.url, token: readToken(shell.place) }
      }
      await bridge({ connect, pact: shell.pact, input: process.stdin, output: process.stdout })
    })
}
