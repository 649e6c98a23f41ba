/** Answers for people: aligned columns for lists, `name: value` lines for the rest. */

/** Widest a column gets. At a terminal its text is cut there, elsewhere it runs on. */
const cellLimit = 60

/** The last column takes whole sentences: nothing stands behind it, so a terminal wraps it. */
const lastLimit = 600

/**
 * Rows as aligned columns under a heading.
 * @param terminal whether a person reads it now; what goes into a pipe or a file is never cut
 */
export function renderTable(
  rows: readonly object[],
  columns: readonly string[],
  terminal: boolean = process.stdout.isTTY === true,
): string {
  const limit = (i: number) => (!terminal ? Number.POSITIVE_INFINITY : i === columns.length - 1 ? lastLimit : cellLimit)
  const cells = rows.map(row => columns.map((column, i) => cell(fieldOf(row, column), limit(i))))
  const heading = columns.map(column => onOneLine(column).replace(/^.*\./, '').replaceAll('_', ' ').toUpperCase())
  const widest = heading.map((title, i) => Math.max(title.length, ...cells.map(row => row[i]?.length ?? 0)))
  const widths = widest.map(width => Math.min(width, cellLimit))
  const line = (row: string[]) =>
    row
      .map((text, i) => text.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return `${[heading, ...cells].map(line).join('\n')}\n`
}

/** An object as lines; nested lists of objects become small tables, nested objects lines of their own. */
export function renderRecord(record: object): string {
  const entries = Object.entries(record).flatMap(([name, value]) => (isEmpty(value) ? [] : [[onOneLine(name), value]]))
  const width = Math.max(0, ...entries.map(([name]) => name.length))
  return entries
    .map(([name, value]) => {
      if (isRows(value) && value.length > 0) return `${name}:\n${indent(renderTable(value, columnsOf(value)))}`
      if (isRecord(value)) return `${name}:\n${indent(renderRecord(value))}`
      // Further lines of a value stand under it: at the margin they would pass for fields.
      return `${`${name}:`.padEnd(width + 2)}${words(value).replaceAll('\n', `\n${' '.repeat(width + 2)}`)}\n`
    })
    .join('')
}

/** Where an answer has its list, and how the next page of it is asked for. */
export interface Page {
  list: string
  flag: string
}

/** What an operation answered, shaped by its declared columns. */
export function renderAnswer(
  answer: unknown,
  columns: readonly string[] | undefined,
  { list, flag }: Page = { list: 'entries', flag: '--cursor' },
): string {
  const rows = rowsOf(answer, list)
  if (rows) {
    const { has_more = false, cursor } = answer as { has_more?: boolean; cursor?: unknown }
    // A page may be empty although others follow: so much was looked through in vain.
    const shown = rows.length > 0 ? renderTable(rows, columns ?? columnsOf(rows)) : has_more ? '' : 'Nothing found.\n'
    return shown + (has_more ? `… more: ${flag} ${cursor}\n` : '')
  }
  if (typeof answer === 'object' && answer !== null) return renderRecord(answer)
  return answer === null || answer === undefined ? '' : `${plain(answer)}\n`
}

function isEmpty(value: unknown): boolean {
  if (isRecord(value)) return Object.keys(value).length === 0
  return value === undefined || value === null || value === ''
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A column may name a field of a field: `payload.content`. */
function fieldOf(row: object, column: string): unknown {
  return column.split('.').reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), row)
}

function rowsOf(answer: unknown, list: string): object[] | null {
  const rows = isRecord(answer) ? answer[list] : answer
  return isRows(rows) ? rows : null
}

function isRows(value: unknown): value is object[] {
  return Array.isArray(value) && value.every(item => typeof item === 'object' && item !== null)
}

function columnsOf(rows: readonly object[]): string[] {
  return Object.entries(rows[0] ?? {})
    .filter(([, value]) => !Array.isArray(value))
    .map(([name]) => name)
    .slice(0, 6)
}

function cell(value: unknown, limit: number): string {
  const text = brief(value).replace(/\s+/g, ' ')
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text
}

/** In a column a key is known by its beginning, and a thing by its name. */
export function brief(value: unknown): string {
  if (Array.isArray(value)) return value.map(brief).join(', ')
  if (isRecord(value)) {
    const { handle, alias, name, plugin, id, writer, revoked } = value
    const named = handle ?? alias ?? name ?? plugin ?? id ?? writer
    return named === undefined ? plain(value) : `${brief(named)}${revoked === true ? ' (revoked)' : ''}`
  }
  return words(shortKey(value))
}

/** The beginning of a key, by which it can be named; anything else as it is. */
function shortKey(value: unknown): unknown {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value
}

/** A value for a reader: lists by commas and their keys briefly, moments as dates. A key alone stays whole: it is there to be copied. */
function words(value: unknown): string {
  // Not left out: where a list limits something, an empty one lets nothing through, and its absence everything.
  if (Array.isArray(value) && value.length === 0) return '(none)'
  if (Array.isArray(value) && value.every(item => typeof item !== 'object'))
    return value.map(item => onOneLine(shortKey(item))).join(', ')
  const moment = typeof value === 'number' && Number.isInteger(value) && value > 1e12 && value < 1e13
  return moment ? new Date(value).toISOString() : plain(value)
}

/**
 * A value as one piece of text. Control characters are shown, not sent: entries are written by others, and a terminal obeys
 * escape sequences and direction marks.
 */
export function plain(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.replace(
    /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu,
    char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** The name of a field or an item of a list, e.g. a word of a command: a line end in it is shown like any other control character. */
function onOneLine(value: unknown): string {
  return plain(value).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
