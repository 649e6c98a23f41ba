/**
 * Who holds which task: consensus. One small record per task, `t/<id of the task>`, written once by every accepted entry.
 *
 * A task is open, claimed or complete; complete is final. A claim holds until its lease ends by ledger time *and* somebody else
 * claims: an agent that comes back late still completes its task when nobody took it over. Tasks can only depend on tasks that
 * stand before them in the log, so there are no circles.
 */
import { defineRules, isRecord, type RuleContext, type RuledEntry } from '../../kernel/rules.ts'
import { bounds, isComplete, isLease, isRelease, isTask } from './payloads.ts'

export interface TaskRecord {
  status: 'open' | 'claimed' | 'complete'
  /** Hex key of the agent, or of the identity, that alone may claim; null for anyone. */
  assignee: string | null
  depends_on: string[]
  /** Hex key of the agent that holds the task or completed it. */
  claimant: string | null
  /** Ledger time in ms; 0 while there is no lease. */
  lease_until: number
}

export interface TaskSettings {
  /** The longest lease, ms. */
  max_lease_ms: number
}

type Context = RuleContext<TaskSettings>

export const defaults: TaskSettings = { max_lease_ms: 24 * 3_600_000 }

/**
 * A lease counts from the timestamp of its entry, because ledger time stands still while no indexer writes. A claim from further
 * ahead of ledger time than a pact is ever quiet comes from a wrong clock and would hold its task as long: 30 days, in ms.
 */
export const QUIET = 30 * 24 * 3_600_000

/** State key of a task. */
export const taskKey = (id: string) => `t/${id}`

/** The longest lease that a charter allows, ms. Total: settings are whatever the charter says; what would forbid every lease counts as none. */
export function longestLease(settings: unknown): number {
  const max = isRecord(settings) ? settings.max_lease_ms : undefined
  return Number.isSafeInteger(max) && Number(max) >= bounds.shortestLease ? Number(max) : defaults.max_lease_ms
}

export const rules = defineRules<TaskSettings>({
  protocol: 1,
  defaults,
  types: ['task', 'task.claim', 'task.renew', 'task.release', 'task.complete'],
  carries: true,
  async validate(entry, context) {
    const outcome = await decide(entry, context)
    return typeof outcome === 'string' ? outcome : undefined
  },
  async reduce(entry, context) {
    const outcome = await decide(entry, context)
    if (typeof outcome !== 'string') await context.state.put(taskKey(subjectOf(entry)), outcome)
  },
})

/** Id of the task that an accepted entry is about. */
function subjectOf(entry: RuledEntry): string {
  return entry.type === 'task' ? entry.id : (entry.payload as { task: string }).task
}

/** What an entry makes of its task: the new record, or the code why it may not. */
async function decide(entry: RuledEntry, context: Context): Promise<TaskRecord | string> {
  const { type, payload } = entry
  if (type === 'task') return create(payload, context)
  if (type === 'task.claim' && isLease(payload)) {
    return onTask(payload.task, context, task => claim(task, payload.lease_ms, entry, context))
  }
  if (type === 'task.renew' && isLease(payload)) {
    return onTask(payload.task, context, task => renew(task, payload.lease_ms, entry, context))
  }
  if (type === 'task.release' && isRelease(payload)) {
    return onTask(payload.task, context, task => release(task, entry))
  }
  if (type === 'task.complete' && isComplete(payload)) {
    return onTask(payload.task, context, task => complete(task, entry))
  }
  return 'task-invalid'
}

async function create(payload: unknown, context: Context): Promise<TaskRecord | string> {
  if (!isTask(payload)) return 'task-invalid'
  const { assignee = null, depends_on = [] } = payload
  for (const id of depends_on) {
    if (!(await context.state.get(taskKey(id)))) return 'dependency-unknown'
  }
  return { status: 'open', assignee, depends_on, claimant: null, lease_until: 0 }
}

/** Hands the task to `change`, unless it is unknown or complete: nothing changes a completed task. */
async function onTask(
  id: string,
  context: Context,
  change: (task: TaskRecord) => TaskRecord | string | Promise<TaskRecord | string>,
): Promise<TaskRecord | string> {
  const task = await context.state.get<TaskRecord>(taskKey(id))
  if (!task) return 'task-unknown'
  return task.status === 'complete' ? 'task-complete' : change(task)
}

/** The order of the checks is part of the rule: the first that holds is the verdict on every machine. */
async function claim(task: TaskRecord, length: number, entry: RuledEntry, context: Context) {
  if (task.assignee && task.assignee !== entry.agent && task.assignee !== entry.identity) return 'not-assignee'
  if (task.status === 'claimed' && context.time < task.lease_until) return 'task-not-open'
  for (const id of task.depends_on) {
    const needed = await context.state.get<TaskRecord>(taskKey(id))
    if (needed?.status !== 'complete') return 'task-blocked'
  }
  return lease(task, length, entry, context)
}

function renew(task: TaskRecord, length: number, entry: RuledEntry, context: Context) {
  return holds(task, entry) ? lease(task, length, entry, context) : 'not-claimant'
}

function lease(task: TaskRecord, length: number, entry: RuledEntry, context: Context): TaskRecord | string {
  if (length > longestLease(context.settings)) return 'lease-too-long'
  if (entry.timestamp > context.time + QUIET) return 'clock-ahead'
  return { ...task, status: 'claimed', claimant: entry.agent, lease_until: entry.timestamp + length }
}

function release(task: TaskRecord, entry: RuledEntry): TaskRecord | string {
  if (!holds(task, entry) && !(task.status === 'claimed' && entry.admin)) return 'not-claimant'
  return { ...task, status: 'open', claimant: null, lease_until: 0 }
}

function complete(task: TaskRecord, entry: RuledEntry): TaskRecord | string {
  if (!holds(task, entry)) return 'not-claimant'
  return { ...task, status: 'complete', depends_on: [], lease_until: 0 }
}

/** A lease that ran out leaves the claim in place until somebody else claims. */
function holds(task: TaskRecord, entry: RuledEntry): boolean {
  return task.status === 'claimed' && task.claimant === entry.agent
}
