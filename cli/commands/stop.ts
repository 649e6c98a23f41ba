/** `openpact stop`: ends the daemon and waits until its data is closed. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { isAlive, runningDaemon } from '../place.ts'
import type { Session } from '../session.ts'

/** A daemon has 30 s to close by itself; then it ends anyway. */
const patience = 40_000

export function stopCommand(program: Command, session: () => Session): void {
  program
    .command('stop')
    .summary('stop the daemon')
    .description('Stop the daemon of this data directory and wait until everything is closed.')
    .action(async () => {
      const shell = session()
      const daemon = runningDaemon(shell.place)
      if (!daemon) {
        shell.say('No daemon is running.', { stopped: false })
        return
      }
      process.kill(daemon.pid, 'SIGTERM')
      await shell.progress('Closing', () => gone(daemon.pid, shell.place.logFile))
      shell.say(`Stopped (process ${daemon.pid}).`, { stopped: true, pid: daemon.pid })
    })
}

async function gone(pid: number, log: string): Promise<void> {
  const deadline = Date.now() + patience
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new OpenPactError('STOP_TIMEOUT', { pid, seconds: patience / 1000, log })
    await delay(25)
  }
}
