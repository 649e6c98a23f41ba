/** Commands that are named to the reader. */
import { resolve } from 'node:path'
import type { Flags } from './session.ts'

/** Where a command begins: in backticks, or on a line of its own, behind a variable of the environment. */
const command = /(`|^(?: {2})?(?:\w+=\S+ )?)openpact (?=[a-z])/gm

/** The text with the data directory and the pact in every command, where they were typed: pasted without, it would act on another one. */
export function pasteable(text: string, { dataDir, pact }: Pick<Flags, 'dataDir' | 'pact'>): string {
  const place = dataDir === undefined ? '' : `--data-dir ${word(resolve(dataDir))} `
  const which = pact === undefined ? '' : `--pact ${word(pact)} `
  return text.replace(command, (_, before: string) => `${before}openpact ${place}${which}`)
}

function word(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : quoted(text)
}

/** One word for a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
