/** The digest of a plugin's rules: two peers with the same digest judge alike. Shown in status and compared between peers. */
import { createHash } from 'node:crypto'
import type { Plugin } from '../plugin.ts'
import type { Rules } from '../rules.ts'

/**
 * 16 hex of SHA-256 over the protocol, the types and the source text of every function of the rules; null without rules.
 * It sees what runs, so a build of other tools may differ for the same source, and code that the functions call is not in it.
 */
export function rulesDigest(plugin: Plugin): string | null {
  const rules = plugin.rules as Rules | undefined
  if (!rules) return null
  const admits = Object.entries(rules.admits ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const text = JSON.stringify([
    rules.protocol,
    [...rules.types].sort(),
    rules.judgesAll ?? false,
    rules.carries ?? false,
    source(rules.validate),
    source(rules.reduce),
    admits.map(([kind, proof]) => [kind, source(proof.verify), source(proof.admitted)]),
  ])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function source(fn: unknown): string | null {
  return typeof fn === 'function' ? Function.prototype.toString.call(fn) : null
}
