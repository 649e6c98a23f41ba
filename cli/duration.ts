/** Spans of time as people type them. HTTP takes whole milliseconds or seconds; here there is one form for all. */
import { OpenPactError } from '../kernel/errors.ts'
import type { Schema } from './schema.ts'

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Said once in the help of every command that takes one. */
export const durationHelp =
  'A <duration> is a number with ms, s, m, h or d, e.g. 500ms, 30s, 15m, 24h, 7d; without a unit, seconds.'

/** What a field of an operation counts in: the unit that its description names, or `text` where it takes a number with a unit. */
export type DurationUnit = 'ms' | 's' | 'text'

/** The unit of a field that is a span of time; undefined for any other field. */
export function durationUnit(schema: Schema): DurationUnit | undefined {
  const { type, description = '', pattern = '' } = schema
  if (type === 'string' && pattern.includes('[smhd]')) return 'text'
  if ((type !== 'integer' && type !== 'number') || /since 1970/.test(description)) return undefined
  if (/\b(ms|milliseconds)\b/i.test(description)) return 'ms'
  return /\bseconds\b/i.test(description) ? 's' : undefined
}

/** ms. @throws OpenPactError USAGE */
export function parseDuration(name: string, text: string, { least = 0, most = Number.MAX_SAFE_INTEGER } = {}): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|[smhd])?$/.exec(text.trim()) ?? []
  const ms = Math.round(Number(number) * (units[unit] ?? 1))
  if (number !== undefined && ms >= least && ms <= most) return ms
  const reason = number === undefined ? `"${text}" is no duration` : `${text} is not possible`
  const bounds = most < Number.MAX_SAFE_INTEGER ? ` to ${durationWords(most)}` : least > 0 ? ' and more' : ''
  throw new OpenPactError('USAGE', {
    reason: `${name}: ${reason}`,
    hint: `Use a form like 500ms, 30s, 15m, 24h or 7d.${bounds && ` Possible is ${durationWords(least)}${bounds}.`}`,
  })
}

/** A typed duration as the field takes it. @throws OpenPactError USAGE */
export function durationValue(name: string, text: string, schema: Schema): number | string {
  const unit = durationUnit(schema)
  if (unit === 'text') return durationText(name, text)
  const scale = unit === 's' ? 1000 : 1
  const { minimum = 0, maximum } = schema
  const bounds = { least: minimum * scale, ...(maximum === undefined ? {} : { most: maximum * scale }) }
  return parseDuration(name, text, bounds) / scale
}

/** For a field that takes a number with a unit itself, but neither ms nor fractions, and words of its own (`never`). */
function durationText(name: string, text: string): string {
  if (/^[a-z]+$/.test(text)) return text
  const ms = parseDuration(name, text, { least: 1000 })
  return /^\d+[smhd]$/.test(text) ? text : `${Math.round(ms / 1000)}s`
}

/** The description of such a field without the unit, which is the machine's affair. */
export function durationDescription({ description = '', default: standard }: Schema, unit: DurationUnit): string {
  if (unit === 'text') return `${description} (at least 1s)`.trim()
  const plain = description
    .replace(/,?\s*\b(in )?(ms|milliseconds)\b/gi, '')
    .replace(/^seconds to\b/i, 'how long to')
    .replace(/\((\d+)\)/, (_, number: string) => `(${durationWords(Number(number) * (unit === 's' ? 1000 : 1))})`)
    .trim()
  const usual = typeof standard === 'number' ? `(${durationWords(standard * (unit === 's' ? 1000 : 1))})` : ''
  return [plain, usual].filter(Boolean).join(' ')
}

/** The shortest way to write a span without loss: 90000 is `90s`, 86400000 is `1d`. From ten days on, days are enough. */
export function durationWords(ms: number): string {
  if (ms >= 864_000_000) return `${Math.floor(ms / 86_400_000)}d`
  const [unit, size] = Object.entries(units).findLast(([, length]) => ms >= length && ms % length === 0) ?? ['s', 1000]
  return `${ms / size}${unit}`
}
