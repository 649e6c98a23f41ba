/** Answers for people: aligned columns for lists, `name: value` lines for the rest. */

/** Widest a column gets on a narrow screen before its text is cut. */
const cellLimit = 60

/** Rows as aligned columns under a heading. */
export function renderTable(rows: readonly object[], columns: readonly string[]): string {
  const cells = rows.map(row => columns.map(column => cell(fieldOf(row, column))))
  const heading = columns.map(column => onOneLine(column).replace(/^.*\./, '').replaceAll('_', ' ').toUpperCase())
  const widths = heading.map((title, i) => Math.max(title.length, ...cells.map(row => row[i]?.length ?? 0)))
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
      if (isRows(value)) return `${name}:\n${indent(renderTable(value, columnsOf(value)))}`
      if (isRecord(value)) return `${name}:\n${indent(renderRecord(value))}`
      // Further lines of a value stand under it: at the margin they would pass for fields.
      return `${`${name}:`.padEnd(width + 2)}${words(value).replaceAll('\n', `\n${' '.repeat(width + 2)}`)}\n`
    })
    .join('')
}

/** What an operation answered, shaped by its declared columns. */
export function renderAnswer(answer: unknown, columns: readonly string[] | undefined): string {
  const list = rowsOf(answer)
  if (list) {
    if (list.length === 0) return 'Nothing found.\n'
    const more = (answer as { has_more?: boolean }).has_more === true
    const cursor = String((answer as { cursor?: unknown }).cursor ?? '')
    return renderTable(list, columns ?? columnsOf(list)) + (more ? `… more: --cursor ${cursor}\n` : '')
  }
  if (typeof answer === 'object' && answer !== null) return renderRecord(answer)
  return answer === null || answer === undefined ? '' : `${plain(answer)}\n`
}

function isEmpty(value: unknown): boolean {
  if (isRecord(value)) return Object.keys(value).length === 0
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A column may name a field of a field: `payload.content`. */
function fieldOf(row: object, column: string): unknown {
  return column.split('.').reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), row)
}

function rowsOf(answer: unknown): object[] | null {
  if (isRows(answer)) return answer
  if (typeof answer !== 'object' || answer === null) return null
  const { entries } = answer as { entries?: unknown }
  return isRows(entries) ? entries : null
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

function cell(value: unknown): string {
  const text = brief(value).replace(/\s+/g, ' ')
  return text.length > cellLimit ? `${text.slice(0, cellLimit - 1)}…` : text
}

/** In a column a key is known by its beginning, and a thing by its name. */
export function brief(value: unknown): string {
  if (Array.isArray(value)) return value.map(brief).join(', ')
  if (isRecord(value)) {
    const { handle, alias, name, plugin, id, writer, revoked } = value
    const named = handle ?? alias ?? name ?? plugin ?? id ?? writer
    return named === undefined ? plain(value) : `${brief(named)}${revoked === true ? ' (revoked)' : ''}`
  }
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : words(value)
}

/** A value for a reader: lists by commas, moments as dates. */
function words(value: unknown): string {
  if (Array.isArray(value) && value.every(item => typeof item !== 'object')) return value.map(onOneLine).join(', ')
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
