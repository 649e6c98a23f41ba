/** Commands that are named to the reader. */
import { resolve } from 'node:path'
import type { Flags } from './session.ts'

/** Where a command begins: in backticks, or on a line of its own, behind a variable of the environment. */
const command = /(`|^(?: {2})?(?:\w+=\S+ )?)openpact (?=([a-z]+))/gm

/** Commands about the whole machine. A pact means nothing to them, and may be the very one that is unknown. */
export const machineWide = new Set(
  'agent backup completion dht doctor info init join joins leave list logs plugins refound restore service start stop switch token words'.split(
    ' ',
  ),
)

/** The text with the data directory in every command, and the pact in those about one, where they were typed: pasted without, it would act on another one. */
export function pasteable(text: string, { dataDir, pact }: Pick<Flags, 'dataDir' | 'pact'>): string {
  const place = dataDir === undefined ? '' : `--data-dir ${word(resolve(dataDir))} `
  const which = pact === undefined ? '' : `--pact ${word(pact)} `
  return text.replace(
    command,
    (_, before: string, verb: string) => `${before}openpact ${place}${machineWide.has(verb) ? '' : which}`,
  )
}

function word(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : quoted(text)
}

/** One word for a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
