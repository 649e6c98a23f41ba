/** Settings in JSON, with or without comments: only what is added or taken away is touched, all else keeps its form. */
import { isDeepStrictEqual } from 'node:util'
import { applyEdits, type JSONPath, modify, type ParseError, parse, printParseErrorCode } from 'jsonc-parser'
import { OpenPactError } from '../../kernel/errors.ts'

/** A value at a place; with `append`, one more item of the list there. */
export interface JsonEntry {
  path: string[]
  value: unknown
  append?: true
}

/** What was added, as far as it is needed to take it away again. */
export interface JsonAdded {
  text: string
  /** Places of objects and lists that were not there before, the innermost first. */
  made: string[][]
}

/** @throws OpenPactError CLIENT_CONFIG_BROKEN, CLIENT_ENTRY_TAKEN */
export function addToJson(file: string, before: string | null, entries: readonly JsonEntry[]): JsonAdded {
  let text = before?.trim() ? before : '{}\n'
  const made = new Map<string, string[]>()
  for (const { path, value, append } of entries) {
    const root = read(file, text, entries)
    const missing = check(file, root, path, append === true, entries)
    for (const place of missing) made.set(place.join('\0'), place)
    const found = at(root, path)
    if (append) {
      const list = (found ?? []) as unknown[]
      if (list.some(item => isDeepStrictEqual(item, value))) continue
      text = edit(text, found === undefined ? path : [...path, list.length], found === undefined ? [value] : value)
    } else if (found === undefined) text = edit(text, path, value)
    else if (!isDeepStrictEqual(found, value))
      throw new OpenPactError('CLIENT_ENTRY_TAKEN', { file, path: path.join('.') })
  }
  return { text, made: [...made.values()].sort((a, b) => b.length - a.length) }
}

/** The text without what is still as it was added. `left`: something was changed since and stays. */
export function removeFromJson(
  file: string,
  before: string,
  entries: readonly JsonEntry[],
  made: readonly string[][],
): { text: string; left: boolean } {
  let text = before
  let left = false
  for (const { path, value, append } of entries) {
    const found = at(read(file, text, []), path)
    const index = append && Array.isArray(found) ? found.findIndex(item => isDeepStrictEqual(item, value)) : -1
    if (append) {
      if (index >= 0) text = edit(text, [...path, index], undefined)
    } else if (isDeepStrictEqual(found, value)) text = edit(text, path, undefined)
    else left ||= found !== undefined
  }
  for (const place of made) {
    const found = at(read(file, text, []), place)
    if (typeof found === 'object' && found !== null && Object.keys(found).length === 0)
      text = edit(text, place, undefined)
  }
  return { text, left }
}

/** Whether nothing is said in it any more. */
export function isEmptyJson(text: string): boolean {
  return /^\s*\{\s*\}\s*$/.test(text)
}

function read(file: string, text: string, entries: readonly JsonEntry[]): Record<string, unknown> {
  const errors: ParseError[] = []
  const root: unknown = parse(text, errors, { allowTrailingComma: true })
  const [first] = errors
  if (first) {
    const line = text.slice(0, first.offset).split('\n').length
    throw broken(file, `line ${line} is not JSON (${printParseErrorCode(first.error)})`, entries)
  }
  if (!isObject(root)) throw broken(file, 'it does not hold an object', entries)
  return root
}

/** Places on the way that do not exist yet. */
function check(
  file: string,
  root: object,
  path: readonly string[],
  append: boolean,
  entries: readonly JsonEntry[],
): string[][] {
  const missing: string[][] = []
  const containers = append ? path.length : path.length - 1
  for (let depth = 1; depth <= containers; depth++) {
    const place = path.slice(0, depth)
    const found = at(root, place)
    const list = append && depth === path.length
    if (found === undefined) missing.push(place)
    else if (list ? !Array.isArray(found) : !isObject(found))
      throw broken(file, `"${place.join('.')}" is not ${list ? 'a list' : 'an object'}`, entries)
  }
  return missing
}

function at(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    root,
  )
}

function edit(text: string, path: JSONPath, value: unknown): string {
  const [, indent = '  '] = /^[[{][^\n]*\n([ \t]+)\S/.exec(text.trimStart()) ?? []
  const eol = text.includes('\r\n') ? '\r\n' : '\n'
  const formattingOptions = { insertSpaces: !indent.startsWith('\t'), tabSize: indent.length, eol }
  const isArrayInsertion = typeof path.at(-1) === 'number' && value !== undefined
  return applyEdits(text, modify(text, path, value, { formattingOptions, isArrayInsertion }))
}

function broken(file: string, reason: string, entries: readonly JsonEntry[]): OpenPactError {
  let snippet = '{}'
  for (const { path, value, append } of entries) snippet = edit(snippet, path, append ? [value] : value)
  return new OpenPactError('CLIENT_CONFIG_BROKEN', { file, reason, snippet })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
