/**
 * What the payloads of tasks must be, in the words of the rule. It runs inside `apply` on every machine, so it uses no schema
 * library; entries.ts says the same as schemas, and a test holds the two together.
 */
import { isRecord } from '../../kernel/rules.ts'

/** Lengths in characters (code points), numbers of items, ms. The charter may bound leases further. */
export const bounds = {
  title: 300,
  description: 60_000,
  reason: 2_000,
  dependencies: 32,
  shortestLease: 10_000,
  longestLease: 366 * 24 * 3_600_000,
} as const

/** From the least pressing to the most. */
export const priorities = ['low', 'normal', 'high', 'urgent'] as const
export type Priority = (typeof priorities)[number]

export const idPattern = '^[0-9a-f]{8}-[1-9][0-9]{0,14}$'
export const keyPattern = '^[0-9a-f]{64}$'
const id = new RegExp(idPattern)
const key = new RegExp(keyPattern)

export interface TaskPayload {
  title: string
  description?: string
  /** `normal` if absent. */
  priority?: Priority
  /** Hex key of the agent, or of the identity, that alone may claim it. */
  assignee?: string
  /** Ids of tasks that must be complete before this one can be claimed. */
  depends_on?: string[]
}

/** A claim or its renewal. The lease counts from the entry's timestamp. */
export interface LeasePayload {
  task: string
  /** ms */
  lease_ms: number
}

export interface ReleasePayload {
  task: string
  reason?: string
}

export interface CompletePayload {
  task: string
  result?: unknown
}

export function isTask(value: unknown): value is TaskPayload {
  if (!isRecord(value)) return false
  const { title, description, priority, assignee, depends_on } = value
  return (
    isText(title, 1, bounds.title) &&
    (description === undefined || isText(description, 0, bounds.description)) &&
    (priority === undefined || priorities.some(known => known === priority)) &&
    (assignee === undefined || matches(assignee, key)) &&
    (depends_on === undefined || isDependencies(depends_on))
  )
}

export function isLease(value: unknown): value is LeasePayload {
  if (!isStep(value) || !Number.isSafeInteger(value.lease_ms)) return false
  const length = value.lease_ms as number
  return length >= bounds.shortestLease && length <= bounds.longestLease
}

export function isRelease(value: unknown): value is ReleasePayload {
  return isStep(value) && (value.reason === undefined || isText(value.reason, 0, bounds.reason))
}

export function isComplete(value: unknown): value is CompletePayload {
  return isStep(value)
}

/** What all entries about an existing task have in common. */
function isStep(value: unknown): value is { task: string; [key: string]: unknown } {
  return isRecord(value) && matches(value.task, id)
}

function isDependencies(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= bounds.dependencies &&
    value.every(each => matches(each, id)) &&
    new Set(value).size === value.length
  )
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}

/** Schemas count code points, JavaScript counts UTF-16 units: the dear way of counting is taken only where the two can differ. */
function isText(value: unknown, min: number, max: number): value is string {
  if (typeof value !== 'string' || value.length < min) return false
  return value.length <= max || (value.length <= 2 * max && [...value].length <= max)
}
