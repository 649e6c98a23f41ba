/** What an entry says, on one line for people: in the words that its type declares, or field by field where it declares none. */
import { durationWords } from './duration.ts'
import { brief, plain } from './table.ts'

/** Longest line, characters. */
const LIMIT = 100

/** Of the kernel's own types; those of plugins come from their declarations (`EntryType.words`). */
const kernelWords: Record<string, string> = {
  'pact.charter': 'founded "{charter.name}"',
  'pact.amend': 'changed the charter: {change}',
  'pact.ready': 'ready for the charter {proposal}',
  'pact.indexers': 'made indexers: {writers}',
  'pact.import': 'carried over records of an earlier pact',
  'member.add': 'admitted {agent.name}, device {writer}',
  'member.remove': 'removed the member {identity}',
  'device.retire': 'retired the device {writer}',
  'admin.grant': 'made {identity} an admin',
  'admin.revoke': 'took the rights of an admin from {identity}',
  'agent.add': 'added the agent {name}, key {key}',
  'agent.revoke': 'revoked the agent {key}',
  tick: 'told the time',
}

/**
 * One line without control characters, cut where it is long.
 * @param declared words by type, as plugins declare them
 */
export function entryWords(type: string, payload: unknown, declared: Readonly<Record<string, string>> = {}): string {
  const known = [declared, kernelWords].find(words => Object.hasOwn(words, type))
  const template = known?.[type]
  const words = template === undefined ? told('', payload) : filled(template, payload)
  const line = oneLine(words)
  return line.length > LIMIT ? `${line.slice(0, LIMIT - 1)}…` : line
}

/** A value as one piece of text on one line, without control characters. */
export function oneLine(value: unknown): string {
  return plain(value).replace(/\s+/g, ' ')
}

/** `{field}` stands for a field of the payload, `{field.field}` for one of a field; a colon with nothing behind it is left out. */
function filled(template: string, payload: unknown): string {
  return template
    .replace(/\{([\w.]+)\}/g, (_, path: string) => {
      const value = path
        .split('.')
        .reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name], payload)
      return told(path, value)
    })
    .replace(/[:\s]+$/, '')
}

function told(name: string, value: unknown): string {
  if (typeof value === 'number' && name.endsWith('_ms')) return durationWords(value)
  if (name === 'expires' && value === 0) return 'never'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return brief(value)
  return Object.entries(value)
    .map(([field, part]) => `${field}: ${typeof part === 'object' ? brief(part) : told(field, part)}`)
    .join(', ')
}
