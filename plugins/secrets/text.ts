/** What of a draft is looked over. */
import type { Draft } from '../../kernel/index.ts'

/**
 * Everything in a draft that somebody could read, a line each: `key: value` for strings of the payload, as many rules know a secret by
 * the name before it, with line breaks as they are, as a key file has them. Ciphertext is left out.
 */
export function textOf(draft: Draft): string {
  const { type, topic = '', origin = '', caused_by = '', refs = [], payload, enc, ext, attached = [] } = draft
  const lines = [type, topic, origin, caused_by, ...attached]
  for (const ref of refs) lines.push(typeof ref === 'string' ? ref : `${ref.type} ${ref.id}`)
  if (ext) lines.push(ext.toString('latin1'))
  if (!enc) collect(payload, lines)
  return lines.join('\n')
}

function collect(payload: unknown, lines: string[]): void {
  try {
    // What is signed is the payload as JSON, so its strings are met the way JSON meets them.
    JSON.stringify(payload, (key, value: unknown) => {
      if (typeof value === 'string') lines.push(key === '' ? value : `${key}: ${value}`)
      else if (key !== '') lines.push(key)
      return value
    })
  } catch {
    // Not JSON, or nested without end: refused for that, with its own code, before anything is signed.
  }
}
