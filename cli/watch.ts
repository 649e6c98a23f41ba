/** `--watch`: the same answer again and again, shown anew whenever it has changed. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'

/** ms between two looks. */
const every = 1000

/** Gives a command that only reads its `--watch`. */
export function watchable(command: Command): Command {
  const taken = command.options.some(option => option.long === '--watch')
  return taken ? command : command.option('-w, --watch', 'show it again whenever it changes, until Ctrl-C')
}

/**
 * Calls `look` until a signal. A terminal is cleared before each new answer; elsewhere (a pipe, a file) answers follow one another.
 * @param look what is to be shown, as text
 */
export async function watch(look: () => Promise<string>, write: (text: string) => void): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  let shown: string | undefined
  while (!stop.signal.aborted) {
    const text = await look()
    if (text !== shown) write(process.stdout.isTTY ? `\u001b[H\u001b[2J\u001b[3J${text}` : text)
    shown = text
    await delay(every, undefined, { signal: stop.signal }).catch(() => {})
  }
}
