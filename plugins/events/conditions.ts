/** Conditions on fields of a payload: the `where` of a match. */
import type { Condition } from './match.ts'
import { topicGlob } from './topic-glob.ts'

export interface Where {
  path: string
  wanted: Condition
  found(payload: unknown): unknown
  fits(found: unknown): boolean
}

export function compileWhere(path: string, wanted: Condition): Where {
  const names = path.split('.')
  const test = compileCondition(wanted)
  return {
    path,
    wanted,
    found: payload => names.reduce<unknown>(fieldOf, payload),
    fits: found => (Array.isArray(found) ? found.some(test) || test(found) : test(found)),
  }
}

function compileCondition(wanted: Condition): (found: unknown) => boolean {
  if (Array.isArray(wanted)) return found => wanted.includes(found as string)
  if (typeof wanted !== 'object' || wanted === null) return found => found === wanted
  const { gt, gte, lt, lte, not, glob, exists } = wanted
  const pattern = glob === undefined ? null : topicGlob(glob)
  const bounded = [gt, gte, lt, lte].some(bound => bound !== undefined)
  return found => {
    if (exists !== undefined && (found !== undefined) !== exists) return false
    if (not !== undefined && found === not) return false
    if (pattern && !(typeof found === 'string' && pattern.test(found))) return false
    if (!bounded) return true
    if (typeof found !== 'number') return false
    const above = (gt === undefined || found > gt) && (gte === undefined || found >= gte)
    return above && (lt === undefined || found < lt) && (lte === undefined || found <= lte)
  }
}

/** A field that the value itself has; nothing of its prototype. */
function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}

/** Whether all words of a search stand somewhere in the texts of a value; upper and lower case are the same. */
export function containsWords(words: readonly string[], ...values: unknown[]): boolean {
  const texts: string[] = []
  const collect = (value: unknown) => {
    if (typeof value === 'string') texts.push(value.toLowerCase())
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) collect(part)
  }
  for (const value of values) collect(value)
  return words.every(word => texts.some(text => text.includes(word)))
}
