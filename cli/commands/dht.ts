/** `openpact dht`: a private bootstrap node, for networks that must not touch the public one. */
import type { Command } from 'commander'
import { parsePort, type Session } from '../session.ts'

export function dhtCommand(program: Command, session: () => Session): void {
  program
    .command('dht')
    .summary('run a private bootstrap node')
    .description('Run a private bootstrap node in the foreground. Daemons use it with --bootstrap host:port.')
    .action(async () => {
      const { startBootstrap } = await import('../private-dht.ts')
      const shell = session()
      const { port, bind } = shell.flags
      const node = await startBootstrap({ port: port === undefined ? 0 : parsePort(port), host: bind ?? '127.0.0.1' })
      const address = `${node.host}:${node.port}`
      // No command to paste: the daemons have data directories of their own.
      shell.say(`Bootstrap node at ${address}. Start daemons with --bootstrap ${address}. Ctrl-C ends it.`, {
        bootstrap: address,
      })
      await new Promise<void>(resolve => {
        process.once('SIGINT', () => resolve())
        process.once('SIGTERM', () => resolve())
        // Started by another process over IPC, it ends with that one.
        process.once('disconnect', () => resolve())
      })
      await node.close()
      if (process.connected) process.disconnect()
    })
}
