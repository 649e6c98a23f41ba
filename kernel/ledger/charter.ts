/** The charter: its shape, its hash, and how a change becomes the next charter. Judged by the kernel alone. */
import canonicalize from 'canonicalize'
import crypto from 'hypercore-crypto'
import type { Charter } from '../pact.ts'
import { isRecord, type Json } from '../rules.ts'
import { limits, wordPattern } from './envelope.ts'

/** The charter as kept in `k/charter`. */
export interface CharterRow {
  charter: Charter
  hash: string
  proposed: { charter: Charter; hash: string; ready: string[] } | null
}

/** Hash (hex) over RFC 8785 canonical JSON. */
export function charterHash(charter: Charter): string {
  return crypto.hash(Buffer.from(canonicalize(charter) as string)).toString('hex')
}

const fields = new Set(['name', 'purpose', 'template', 'visibility', 'invites', 'types', 'quotas', 'rules'])
const namePattern = /^[a-z][a-z0-9-]{0,63}$/

/** The value as a charter, or null when its shape is not one. Total. */
export function asCharter(value: unknown): Charter | null {
  if (!isRecord(value) || Object.keys(value).length !== fields.size) return null
  if (!Object.keys(value).every(key => fields.has(key))) return null
  const { name, purpose, template, visibility, invites, types, quotas, rules } = value
  const ok =
    isText(name, 1, 128) &&
    isText(purpose, 0, 2048) &&
    isText(template, 0, 64) &&
    (visibility === 'private' || visibility === 'commons') &&
    (invites === 'admin' || invites === 'member') &&
    (types === null || (isList(types, 256) && types.every(t => typeof t === 'string' && wordPattern.test(t)))) &&
    isRecord(quotas) &&
    Object.keys(quotas).length === 1 &&
    isWhole(quotas.payload_bytes, 1, limits.payload) &&
    isList(rules, 64) &&
    rules.every(isRule) &&
    new Set(rules.map(r => (r as { plugin: string }).plugin)).size === rules.length
  return ok ? (value as unknown as Charter) : null
}

/**
 * The charter after a change, or null when the result is no charter. Only some fields may change, each replaced whole. Rules that are new, or
 * of another protocol or other settings, are only proposed; the rest holds at once, and what was proposed before stays so unless the change
 * names other rules.
 */
export function amended({ charter, proposed }: CharterRow, change: unknown): CharterRow | null {
  if (!isRecord(change)) return null
  const allowed = new Set(['name', 'purpose', 'invites', 'types', 'quotas', 'rules'])
  if (Object.keys(change).length === 0 || !Object.keys(change).every(key => allowed.has(key))) return null
  const next = asCharter({ ...(proposed?.charter ?? charter), ...change })
  if (!next) return null
  const rules = next.rules.flatMap(({ plugin }) => charter.rules.filter(rule => rule.plugin === plugin))
  const now = { ...next, rules }
  const hash = charterHash(next)
  if (charterHash(now) === hash) return { charter: now, hash, proposed: null }
  const ready = (change.rules === undefined && proposed?.ready) || []
  return { charter: now, hash: charterHash(now), proposed: { charter: next, hash, ready } }
}

/** How many of `size` indexers are a quorum. */
export function quorum(size: number): number {
  return Math.floor(size / 2) + 1
}

function isRule(value: Json): boolean {
  return (
    isRecord(value) &&
    Object.keys(value).length === 3 &&
    typeof value.plugin === 'string' &&
    namePattern.test(value.plugin) &&
    isWhole(value.protocol, 1, 0xffff) &&
    value.settings !== undefined
  )
}

function isText(value: unknown, min: number, max: number): boolean {
  return typeof value === 'string' && value.length >= min && value.length <= max
}

function isList(value: unknown, max: number): value is Json[] {
  return Array.isArray(value) && value.length <= max
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}
