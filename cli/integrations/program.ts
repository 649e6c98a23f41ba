/** How another program has to call this one. */
import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program and its arguments; no shell. */
export interface Program {
  command: string
  args: string[]
}

/**
 * `openpact` where that name leads to the copy that runs now, else this very file with the Node that runs it: a client that is started from
 * a desktop knows no PATH of a shell, so the name is given in full.
 * @param main path of cli/main.js
 */
export function ownProgram(main: string, args: string[], path = process.env.PATH ?? ''): Program {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const candidate = join(folder, 'openpact')
    try {
      accessSync(candidate, constants.X_OK)
      if (realpathSync(candidate) === realpathSync(main)) return { command: candidate, args }
    } catch {
      // Not here.
    }
  }
  return { command: process.execPath, args: [main, ...args] }
}

/** As one line for a POSIX shell, for clients whose hooks are such lines. */
export function shellLine({ command, args }: Program): string {
  return [command, ...args]
    .map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
}
