/** What was added where, kept in the data directory until it is taken away again. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Addition } from './clients.ts'

/** One file that was changed. */
export interface Receipt {
  addition: Addition
  /** There was no such file before. */
  created: boolean
  /** Folders that were made for it, the innermost first. */
  folders: string[]
  /** Objects and lists that were made in it, the innermost first. */
  made: string[][]
  /** Hash of the file as it was left: as long as it holds, `undo` gives back every byte. */
  after: string
  undo: Splice
}

/** Puts `text` in the place of `length` characters at `at`. */
export interface Splice {
  at: number
  length: number
  text: string
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** What turns `after` into `before`. */
export function spliceBack(before: string, after: string): Splice {
  let at = 0
  while (at < before.length && at < after.length && before[at] === after[at]) at++
  let end = 0
  const most = Math.min(before.length, after.length) - at
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return { at, length: after.length - end - at, text: before.slice(at, before.length - end) }
}

export function spliced(text: string, { at, length, text: put }: Splice): string {
  return text.slice(0, at) + put + text.slice(at + length)
}

export class Receipts {
  readonly #folder: string

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'integrations')
  }

  read(client: string): Receipt[] {
    try {
      return JSON.parse(readFileSync(this.#file(client), 'utf8')) as Receipt[]
    } catch {
      return []
    }
  }

  write(client: string, receipts: readonly Receipt[]): void {
    const file = this.#file(client)
    if (receipts.length === 0) {
      rmSync(file, { force: true })
      return
    }
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, `${JSON.stringify(receipts)}\n`, { mode: 0o600 })
  }

  #file(client: string): string {
    return join(this.#folder, `${client}.json`)
  }
}
