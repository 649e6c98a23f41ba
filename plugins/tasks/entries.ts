/** Entry types of tasks. What they may do to a task is said in rules.ts. */
import { type EntryType, type TSchema, Type } from '../../kernel/index.ts'
import { bounds, idPattern, keyPattern, priorities } from './payloads.ts'

export const TaskId = Type.String({ pattern: idPattern, title: 'the id of a task, like 7f2d1a0b-12' })
export const Priority = Type.Enum(priorities)
export const Title = Type.String({
  minLength: 1,
  maxLength: bounds.title,
  description: 'What is to be done, in a line',
})
export const Description = Type.String({ maxLength: bounds.description, description: 'All one must know to do it' })
export const Dependencies = Type.Array(TaskId, {
  maxItems: bounds.dependencies,
  uniqueItems: true,
  description: 'Ids of tasks that must be complete first',
})
export const Reason = Type.String({ maxLength: bounds.reason, description: 'Why, for whoever takes it up next' })
export const Result = Type.Unknown({ description: 'What came out: text or any JSON' })

export const LeaseMs = Type.Integer({
  minimum: bounds.shortestLease,
  maximum: bounds.longestLease,
  description: 'How long the claim holds unless it is renewed, in ms',
})

export const task = entryType('task', 'A piece of work that one agent at a time can claim', '{title}', {
  title: Title,
  description: Type.Optional(Description),
  priority: Type.Optional(Priority),
  assignee: Type.Optional(Type.String({ pattern: keyPattern })),
  depends_on: Type.Optional(Dependencies),
})

export const taskClaim = entryType(
  'task.claim',
  'Takes a task for the length of a lease',
  'claimed {task} for {lease_ms}',
  {
    task: TaskId,
    lease_ms: LeaseMs,
  },
)

export const taskRenew = entryType('task.renew', 'Starts the lease of a claim anew', 'renewed {task} for {lease_ms}', {
  task: TaskId,
  lease_ms: LeaseMs,
})

export const taskRelease = entryType('task.release', 'Gives a claimed task back', 'gave {task} back: {reason}', {
  task: TaskId,
  reason: Type.Optional(Reason),
})

export const taskComplete = entryType('task.complete', 'Ends a task for good', 'completed {task}: {result}', {
  task: TaskId,
  result: Type.Optional(Result),
})

function entryType(name: string, summary: string, words: string, fields: Record<string, TSchema>): EntryType {
  return { name, v: 1, summary, words, payload: Type.Object(fields) }
}
