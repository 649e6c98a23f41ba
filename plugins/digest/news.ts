/** What is new for one agent: entries and messages of others, tasks that concern it, its claims that end. */
import { ACCEPTED } from '../../kernel/index.ts'
import { permits } from '../access/permits.ts'
import { ENTRY_APPLIED, events, type PactEvent } from '../events/service.ts'
import type { Call } from '../operations/operation.ts'
import { operations } from '../operations/service.ts'
import { type EntryView, readModel } from '../read-model/service.ts'
import { excerpt, type Item, textOf } from './items.ts'

/** Events that are looked at, of the oldest that are new and of the newest, where there are more. */
const WINDOW = 1000
/** Tasks and claims that are looked at, newest first. */
const TASKS = 20
/** A claim that ends within this is told, ms. */
const SOON = 5 * 60_000
/** Unclaimed tasks that come before entries. */
const READY = 3

/** Types that are told as what they did to something, not by themselves. */
const states = new Set(['tasks', 'invites'])

/** An item with what it is known by once it was told, also after a reorder. */
export interface News {
  item: Item
  what: string
  /** It must be remembered: it may come again. */
  again: boolean
  /** It is news only to whoever was told this. */
  after?: string
  rank: number
}

interface Task {
  id: string
  title: string
  topic: string
  priority: string
  assignee: string | null
  status: 'open' | 'claimed' | 'complete'
  claimed_by: string | null
  lease_until: string | null
  lease_expired: boolean
  created_by: string
  created_at: string
  confirmed: boolean
}

export interface Reader {
  /** Hex. */
  key: string
  handle: string
  /** Hex. */
  identity: string
}

/** @param seq the last event that the reader knows; @param head the last one to look at */
export async function newsFor(reader: Reader, call: Call, seq: number, head: number): Promise<News[]> {
  const found = await eventsBetween(call, seq, head)
  const news = [
    ...(await entryNews(reader, call, found)),
    ...(await taskNews(reader, call, found)),
    ...(await claimNews(reader, call)),
  ]
  return news.sort((a, b) => a.rank - b.rank)
}

async function eventsBetween({ use, pact }: Call, seq: number, head: number): Promise<PactEvent[]> {
  const feed = use(events)
  const found = feed.after(seq, { pact, limit: WINDOW })
  if (found.length === WINDOW) {
    const last = found.at(-1)!.seq
    found.push(...feed.after(Math.max(last, head - WINDOW), { pact, limit: WINDOW }))
  }
  return found.filter(event => event.seq <= head && !event.stale)
}

async function entryNews(reader: Reader, call: Call, found: readonly PactEvent[]): Promise<News[]> {
  const entries = found.flatMap(({ kind, entry }) => (kind === ENTRY_APPLIED && entry ? [entry] : [])).reverse()
  const theirs = entries.filter(({ agent, type }) => {
    const owner = call.kernel.entryType(type)?.plugin
    return agent !== reader.key && owner !== undefined && !states.has(owner)
  })
  const inbox = theirs.some(({ type }) => type === 'message') ? await unread(call) : null
  return theirs.flatMap((entry, age): News[] => {
    const isMessage = entry.type === 'message'
    if (isMessage && !(inbox ? inbox.has(entry.id) : isFor(reader, entry))) return []
    const item: Item = {
      kind: isMessage ? 'message' : 'entry',
      status: entry.verdict,
      id: entry.id,
      by: entry.author,
      at: shortTime(entry.timestamp),
      text: excerpt(textOf(entry.payload)),
      confirmed: entry.confirmed,
      ...(isMessage ? {} : { type: entry.type }),
      ...(entry.topic ? { topic: excerpt(entry.topic, 60) } : {}),
    }
    const pressing = (entry.payload as { priority?: string } | null)?.priority
    const rank = isMessage ? (pressing === 'urgent' || pressing === 'high' ? 0 : 2) : 5
    const told = { item, again: !entry.confirmed, rank: rank + age / 10_000 }
    // What was refused from the start is no news; what a reorder took back is.
    if (entry.verdict !== ACCEPTED) return [{ ...told, what: `refused:${entry.id}`, after: `entry:${entry.id}` }]
    return [{ ...told, what: `entry:${entry.id}` }]
  })
}

/** Ids of the unread messages for the caller; null when there are no inboxes, or none that it may look into. */
async function unread(call: Call): Promise<Set<string> | null> {
  const page = (await ask(call, 'messages.inbox', { limit: 1000 })) as { entries: { id: string }[] } | null
  return page && new Set(page.entries.map(({ id }) => id))
}

function isFor({ key, identity }: Reader, { payload }: EntryView): boolean {
  const { to, role } = (payload ?? {}) as { to?: string; role?: string }
  return role === undefined && (to === undefined || to === key || to === identity)
}

async function taskNews(reader: Reader, call: Call, found: readonly PactEvent[]): Promise<News[]> {
  const model = call.use(readModel)
  /** The last event of each task that somebody else brought about, and whether it became free. */
  const touched = new Map<string, { by: EntryView; ready: boolean }>()
  for (const { kind, subject, subject_id: id, position } of found) {
    if (subject !== 'task' || !/^task\.(open|ready|complete)$/.test(kind)) continue
    const by = model.entryAt(call.pact, position)
    if (by && by.agent !== reader.key) touched.set(id, { by, ready: kind === 'task.ready' })
  }
  const news: News[] = []
  for (const [id, { by, ready }] of [...touched].reverse().slice(0, TASKS)) {
    const task = (await ask(call, 'tasks.show', { id })) as Task | null
    const status = task && concern(reader, task, ready)
    if (!task || !status) continue
    const item = taskItem(task, status, status === 'complete' ? by : null)
    const rank = status === 'assigned' ? 3 : 4
    news.push({ item, what: `task:${id}:${by.id}`, again: !by.confirmed, rank: rank + urgency(task) / 10 })
  }
  const free = news.filter(({ item }) => item.status === 'ready').sort((a, b) => a.rank - b.rank)
  // The rest comes after entries.
  for (const each of free.slice(READY)) each.rank += 2
  return news
}

/** What a task is to the reader; null when nothing. */
function concern({ handle, key, identity }: Reader, task: Task, ready: boolean): string | null {
  const { status, assignee, claimed_by, created_by, lease_expired } = task
  if (status === 'complete') return created_by === handle && claimed_by !== handle ? 'complete' : null
  if (status === 'claimed' && !lease_expired) return null
  if (assignee !== null) return [handle, key, identity].includes(assignee) ? 'assigned' : null
  return ready ? 'ready' : null
}

async function claimNews(reader: Reader, call: Call): Promise<News[]> {
  const model = call.use(readModel)
  const time = await call.pact.time()
  const claims = model
    .prepare(
      `SELECT task, lease_until FROM digest_claim WHERE pact = ? AND claimant = ? AND lease_until <= ?
       ORDER BY lease_until DESC LIMIT ?`,
    )
    .all(model.pactNo(call.pact), reader.key, Math.max(time, Date.now()) + SOON, TASKS)
  const news: News[] = []
  for (const { task: id, lease_until: until } of claims) {
    const task = (await ask(call, 'tasks.show', { id })) as Task | null
    if (!task) continue
    const status = Number(until) <= time ? 'ended' : 'ending'
    const item: Item = { ...taskItem(task, status, null), kind: 'claim', until: shortTime(task.lease_until ?? '') }
    news.push({ item, what: `claim:${id}:${until}:${status}`, again: true, rank: 1 })
  }
  return news
}

function taskItem(task: Task, status: string, by: EntryView | null): Item {
  return {
    kind: 'task',
    status,
    id: task.id,
    by: by?.author ?? task.created_by,
    at: shortTime(by?.timestamp ?? task.created_at),
    text: excerpt(task.title),
    confirmed: task.confirmed,
    ...(task.topic ? { topic: excerpt(task.topic, 60) } : {}),
  }
}

/** Runs an operation of another plugin in the caller's name; null when there is none, or the caller may not. */
async function ask(call: Call, name: string, input: object): Promise<unknown> {
  const service = call.use(operations)
  const operation = service.list().find(each => each.name === name)
  if (!operation || !permits(call.caller, operation, call.pact.id)) return null
  const { output } = await service.invoke(name, input, {
    caller: call.caller,
    pact: call.pact.id,
    signal: call.signal,
  })
  return output
}

function urgency({ priority }: Task): number {
  return ['urgent', 'high', 'normal', 'low'].indexOf(priority)
}

/** To the second. */
function shortTime(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z')
}
