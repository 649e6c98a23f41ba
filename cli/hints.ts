/** Commands that are named to the reader. */
import { resolve } from 'node:path'
import type { Flags } from './session.ts'

/** Where a command begins: in backticks, or on a line of its own, behind a variable of the environment. */
const command = /(`|^(?: {2})?(?:\w+=\S+ )?)openpact (?=[a-z])/gm

/** The text with the data directory in every command, where one was typed: pasted without it, it would act on another one. */
export function pasteable(text: string, { dataDir }: Pick<Flags, 'dataDir'>): string {
  if (dataDir === undefined) return text
  const place = resolve(dataDir)
  const word = /^[\w./-]+$/.test(place) ? place : quoted(place)
  return text.replace(command, (_, before: string) => `${before}openpact --data-dir ${word} `)
}

/** One word for a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
