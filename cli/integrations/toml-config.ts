/** Settings in TOML: a table of their own at the end, as text; what else is there is not touched. */
import { parse, stringify, TomlError } from 'smol-toml'
import { OpenPactError } from '../../kernel/errors.ts'

export interface TomlTable {
  path: string[]
  values: Record<string, unknown>
}

/** @throws OpenPactError CLIENT_CONFIG_BROKEN, CLIENT_ENTRY_TAKEN */
export function addToToml(file: string, before: string | null, table: TomlTable): string {
  const text = before ?? ''
  const section = sectionOf(table)
  if (text.includes(section) && has(file, text, table)) return text
  if (has(file, text, table)) throw new OpenPactError('CLIENT_ENTRY_TAKEN', { file, path: table.path.join('.') })
  const gap = text === '' ? '' : text.endsWith('\n') ? '\n' : '\n\n'
  const after = text + gap + section
  // A table that is written inline elsewhere cannot be added to.
  read(file, after, table)
  return after
}

/** The text without the table, if it is still as it was added; otherwise it stays. */
export function removeFromToml(before: string, table: TomlTable): { text: string; left: boolean } {
  const section = sectionOf(table)
  const start = before.indexOf(section)
  if (start < 0) return { text: before, left: before.includes(`[${table.path.join('.')}]`) }
  const gap = before.slice(0, start).endsWith('\n\n') ? 1 : 0
  return { text: before.slice(0, start - gap) + before.slice(start + section.length), left: false }
}

function has(file: string, text: string, table: TomlTable): boolean {
  let at: unknown = read(file, text, table)
  for (const name of table.path)
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined
  return at !== undefined
}

function read(file: string, text: string, table: TomlTable): object {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const reason = `line ${error.line} is not TOML (${error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '')})`
    throw new OpenPactError('CLIENT_CONFIG_BROKEN', { file, reason, snippet: sectionOf(table) })
  }
}

function sectionOf({ path, values }: TomlTable): string {
  return `[${path.join('.')}]\n${stringify(values).trimEnd()}\n`
}
