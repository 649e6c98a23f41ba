/** Adds OpenPact to the settings of a client, and takes it away again. Everything is worked out before the first file is written. */

import { OpenPactError } from '../../kernel/errors.ts'
import type { Addition } from './clients.ts'
import { diffOf, missingFolders, readConfig, removeEmpty, writeConfig } from './config-file.ts'
import { addToJson, isEmptyJson, removeFromJson } from './json-config.ts'
import { digestOf, type Receipt, type Receipts, spliceBack, spliced } from './receipts.ts'
import { addToToml, removeFromToml } from './toml-config.ts'

export interface Step {
  file: string
  before: string | null
  after: string | null
  /** Something that was added was changed since, by whomever, and stays. */
  left: boolean
  receipt: Receipt
}

/** What would be added, file by file. @throws OpenPactError CLIENT_CONFIG_BROKEN, CLIENT_ENTRY_TAKEN */
export function planInstall(additions: readonly Addition[], earlier: readonly Receipt[]): Step[] {
  return additions.map(addition => {
    const { file } = addition
    const known = earlier.find(receipt => receipt.addition.file === file)
    const before = readConfig(file)
    // What an earlier run added may be replaced; it is taken out first, so that one removal undoes both.
    const base = known && before !== null ? without(known, before).text : before
    const { text: after, made } = added(addition, base)
    const created = base === null
    const folders = created ? (known?.folders ?? missingFolders(file)) : []
    const undo = spliceBack(base ?? '', after)
    const receipt = { addition, created, folders, made, after: digestOf(after), undo }
    return { file, before, after, left: false, receipt }
  })
}

/** What would be taken away. */
export function planUninstall(receipts: readonly Receipt[]): Step[] {
  return receipts.map(receipt => {
    const { file } = receipt.addition
    const before = readConfig(file)
    const { text: after, left } = before === null ? { text: null, left: false } : without(receipt, before)
    return { file, before, after, left, receipt }
  })
}

/**
 * Writes what was planned; of what was added a receipt is kept, after each file, so that a failure in between can be undone too.
 * @throws OpenPactError CLIENT_CONFIG_UNWRITABLE
 */
export function carryOut(steps: readonly Step[], client: string, receipts: Receipts, adding: boolean): void {
  let kept = receipts.read(client)
  for (const { file, before, after, receipt } of steps) {
    kept = kept.filter(({ addition }) => addition.file !== file)
    if (adding) kept.push(receipt)
    receipts.write(client, kept)
    if (before === after) continue
    writeConfig(file, after)
    if (after === null) removeEmpty(receipt.folders)
  }
}

/** All changes, for people to read; empty when there are none. */
export function diffs(steps: readonly Step[]): string {
  return steps
    .filter(({ before, after }) => before !== after)
    .map(({ file, before, after }) => diffOf(file, before, after))
    .join('\n')
}

function added(addition: Addition, before: string | null): { text: string; made: string[][] } {
  if (addition.kind === 'json') return addToJson(addition.file, before, addition.entries)
  if (addition.kind === 'toml') return { text: addToToml(addition.file, before, addition.table), made: [] }
  if (before !== null && before !== addition.text)
    throw new OpenPactError('CLIENT_ENTRY_TAKEN', { file: addition.file, path: 'of its own' })
  return { text: addition.text, made: [] }
}

/** A text without what a receipt says was added: every byte as before if nobody touched it, else as much as is still ours. */
function without(
  { addition, created, made, after, undo }: Receipt,
  text: string,
): { text: string | null; left: boolean } {
  if (digestOf(text) === after) return { text: created ? null : spliced(text, undo), left: false }
  if (addition.kind === 'whole') return { text, left: true }
  const rest =
    addition.kind === 'json'
      ? removeFromJson(addition.file, text, addition.entries, made)
      : removeFromToml(text, addition.table)
  const nothing = addition.kind === 'json' ? isEmptyJson(rest.text) : rest.text.trim() === ''
  return created && nothing ? { text: null, left: rest.left } : rest
}
