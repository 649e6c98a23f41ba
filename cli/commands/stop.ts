/** `openpact stop`: ends the daemon and waits until its data is closed. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { isAlive, runningDaemon } from '../place.ts'
import { notice } from '../progress.ts'
import type { Session } from '../session.ts'

/** ms. A daemon that can still tell the time ends by itself after 30 s. */
const patience = 40_000

/** ms that the system has for a process that is killed. */
const killPatience = 10_000

export function stopCommand(program: Command, session: () => Session): void {
  program
    .command('stop')
    .summary('stop the daemon')
    .description(
      'Stop the daemon of this data directory and wait until everything is closed. One that has not closed after 40 s is killed; nothing that was acknowledged is lost.',
    )
    .action(async () => {
      const shell = session()
      const daemon = runningDaemon(shell.place)
      if (!daemon) {
        shell.say('No daemon is running.', { stopped: false })
        return
      }
      await shell.progress('Closing', () => endProcess(daemon.pid))
      shell.say(`Stopped (process ${daemon.pid}).`, { stopped: true, pid: daemon.pid })
    })
}

/**
 * Ends a daemon, in whatever state it is: a halted one hears nothing until it goes on, one that blocks hears nothing at all.
 * @throws OpenPactError STOP_TIMEOUT when the system does not end it either
 */
export async function endProcess(pid: number, limit = patience): Promise<void> {
  if (process.platform !== 'win32') process.kill(pid, 'SIGCONT')
  process.kill(pid, 'SIGTERM')
  if (await gone(pid, limit)) return
  notice(`The daemon (process ${pid}) does not close and is killed; nothing that was acknowledged is lost.`)
  process.kill(pid, 'SIGKILL')
  if (!(await gone(pid, killPatience))) throw new OpenPactError('STOP_TIMEOUT', { pid })
}

/** Waits until a process is gone. False when the time is over. */
async function gone(pid: number, limit: number): Promise<boolean> {
  const deadline = Date.now() + limit
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false
    await delay(25)
  }
  return true
}
