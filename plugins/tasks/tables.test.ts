import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { Entry, LogRecord, Pact } from '../../kernel/index.ts'
import { keyOf, RuleWorld } from '../../test/support/rule.ts'
import type { SubjectChange } from '../read-model/table.ts'
import { type Database, openDatabase } from '../store/sqlite.ts'
import { priorities } from './payloads.ts'
import { historyOf, listRows, type Place, readyRows, taskRow } from './queries.ts'
import { rules, type TaskRecord, type TaskSettings, taskKey } from './rules.ts'
import { historyTable, tasksTable } from './tables.ts'

const MINUTE = 60_000
const agents = [keyOf('a'), keyOf('b')] as const
const [ann, bob] = agents
const pact = {} as Pact

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** The rule, and the tables fed with what it accepts: as on a machine, without ledger and read model. */
class Machine extends RuleWorld<TaskSettings> {
  readonly db: Database
  readonly model: { prepare: Database['prepare']; pactNo: () => number }
  readonly tasks: {
    id: string
    position: number
    topic: string
    priority: string
    assignee?: string
    needs: string[]
  }[] = []
  readonly changes: string[] = []
  private position = 0

  constructor() {
    super(rules)
    const folder = mkdtempSync(join(tmpdir(), 'openpact-tasks-'))
    this.db = openDatabase(join(folder, 'index.db'), { cure: '' })
    cleanups.push(() => {
      this.db.close()
      rmSync(folder, { recursive: true })
    })
    for (const { value } of [tasksTable, historyTable]) this.db.exec(value.create)
    this.model = { prepare: sql => this.db.prepare(sql), pactNo: () => 7 }
  }

  override async say(type: string, agent: string, payload: unknown, options: { topic?: string; admin?: boolean } = {}) {
    const verdict = await super.say(type, agent, payload, options)
    if (verdict === 'accepted') this.project(type, agent, payload, options.topic ?? '')
    this.position++
    return verdict
  }

  async task(
    payload: { priority?: string; assignee?: string; depends_on?: string[] } = {},
    topic = '',
  ): Promise<string> {
    const { priority = 'normal', assignee, depends_on: needs = [] } = payload
    const position = this.position
    expect(await this.say('task', ann, { title: 'work', ...payload }, { topic })).toBe('accepted')
    this.tasks.push({ id: this.last, position, topic, priority, assignee, needs })
    return this.last
  }

  claim(id: string, agent: string = ann, lease = 15 * MINUTE) {
    return this.say('task.claim', agent, { task: id, lease_ms: lease })
  }

  async complete(id: string) {
    await this.claim(id)
    return this.say('task.complete', ann, { task: id })
  }

  /** An indexer's tick, minutes later. */
  tick(minutes: number) {
    this.clock += minutes * MINUTE
    this.project('tick', ann, {}, '')
    this.position++
  }

  record(id: string): TaskRecord {
    return this.read<TaskRecord>(taskKey(id)) as TaskRecord
  }

  /** Kinds of changes since the last call, each with the number of its task. */
  news(): string[] {
    return this.changes.splice(0)
  }

  private project(type: string, agent: string, payload: unknown, topic: string) {
    const entry = { type, topic, timestamp: this.clock, agent: Buffer.from(agent, 'hex') } as Entry
    const record = { position: this.position, id: this.last, entry } as LogRecord
    const emit = ({ kind, id }: SubjectChange) => void this.changes.push(`${kind} ${id.slice(9)}`)
    for (const { value } of [tasksTable, historyTable])
      value.project(record, this.db, { pact, pactNo: 7, payload, emit })
  }
}

/** All pages of a list, `limit` at a time. */
function pages(read: (after: Place) => { position: number; urgency: number; id: string }[], ready = false): string[] {
  const ids: string[] = []
  for (let after: Place = null; ; ) {
    const rows = read(after)
    const last = rows.at(-1)
    if (!last) return ids
    ids.push(...rows.map(row => row.id))
    after = ready ? [last.urgency, last.position] : [last.position]
  }
}

test('what happens to a task is told once, in order', async () => {
  const machine = new Machine()
  const first = await machine.task()
  const second = await machine.task({ depends_on: [first] })
  expect(machine.news()).toEqual(['task.open 1', 'task.ready 1', 'task.open 2'])
  await machine.claim(first)
  await machine.claim(first, bob)
  await machine.say('task.renew', ann, { task: first, lease_ms: MINUTE })
  expect(machine.news()).toEqual(['task.claimed 1'])
  await machine.say('task.release', ann, { task: first })
  expect(machine.news()).toEqual(['task.released 1', 'task.open 1', 'task.ready 1'])
  await machine.complete(first)
  expect(machine.news()).toEqual(['task.claimed 1', 'task.complete 1', 'task.ready 2'])
  expect(historyOf(machine.model, pact, first)).toEqual([0, 2, 4, 5, 6, 7])
  expect(historyOf(machine.model, pact, second)).toEqual([1])
})

test('a lease that has ended is told once, by the next tick', async () => {
  const machine = new Machine()
  const [first, second] = [await machine.task(), await machine.task()]
  await machine.claim(second, bob, 2 * MINUTE)
  await machine.claim(first, ann, MINUTE)
  machine.news()
  machine.tick(0.5)
  expect(machine.news()).toEqual([])
  machine.tick(5)
  machine.tick(1)
  expect(machine.news()).toEqual(['task.overdue 1', 'task.overdue 2'])
  await machine.say('task.renew', ann, { task: first, lease_ms: MINUTE })
  await machine.say('task.complete', bob, { task: second })
  machine.tick(5)
  expect(machine.news()).toEqual(['task.complete 2', 'task.overdue 1'])
})

test('a task with several dependencies is ready when the last of them is complete', async () => {
  const machine = new Machine()
  const done = await machine.task()
  await machine.complete(done)
  const needed = [await machine.task(), await machine.task()] as const
  const last = await machine.task({ depends_on: [done, ...needed] })
  expect(taskRow(machine.model, pact, last)?.blocked).toBe(2)
  machine.news()
  await machine.complete(needed[0])
  expect(machine.news()).not.toContain('task.ready 6')
  await machine.complete(needed[1])
  expect(machine.news()).toContain('task.ready 6')
  expect(taskRow(machine.model, pact, last)?.blocked).toBe(0)
})

test('a lease that ran out makes a task ready again, by ledger time', async () => {
  const machine = new Machine()
  const id = await machine.task()
  await machine.claim(id, ann, MINUTE)
  const ready = () =>
    readyRows(machine.model, pact, {}, { limit: 9, after: null, time: machine.time }).map(row => row.id)
  machine.wait(MINUTE - 1)
  expect(ready()).toEqual([])
  machine.wait(1)
  expect(ready()).toEqual([id])
  expect(taskRow(machine.model, pact, id)?.status).toBe('claimed')
})

const topics = ['', 'deploy', 'docs']
const step = fc.record({
  do: fc.constantFrom('task', 'claim', 'claim', 'renew', 'release', 'complete', 'complete', 'wait'),
  agent: fc.constantFrom(...agents),
  pick: fc.nat(),
  topic: fc.constantFrom(...topics),
  priority: fc.constantFrom(...priorities),
  assignee: fc.option(fc.constantFrom(...agents), { nil: undefined }),
  needs: fc.array(fc.nat(), { maxLength: 2 }),
})

test('after any sequence the tables say what the rule says, and lists are complete over pages', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, limit) => {
      const machine = new Machine()
      const { model, tasks } = machine
      for (const { do: what, agent, pick, topic, priority, assignee, needs } of steps) {
        const id = tasks[pick % (tasks.length || 1)]?.id
        if (what === 'wait') machine.wait(MINUTE)
        else if (what === 'task' || !id) {
          const depends_on = [...new Set(needs.flatMap(n => tasks[n % (tasks.length || 1)]?.id ?? []))]
          await machine.task({ priority, ...(assignee && { assignee }), depends_on }, topic)
        } else await machine.say(`task.${what}`, agent, { task: id, lease_ms: MINUTE })
      }

      const isReady = (id: string, needs: string[]) => {
        const { status, lease_until } = machine.record(id)
        if (status === 'claimed') return lease_until <= machine.time
        return status === 'open' && needs.every(need => machine.record(need).status === 'complete')
      }
      for (const { id, needs } of tasks) {
        const row = taskRow(model, pact, id)
        const { status, claimant, lease_until } = machine.record(id)
        expect(row).toMatchObject({ status, claimant, lease_until: lease_until || null })
        expect(row?.blocked).toBe(needs.filter(need => machine.record(need).status !== 'complete').length)
      }
      for (const topic of [undefined, ...topics])
        for (const assignee of [undefined, bob]) {
          const among = tasks.filter(
            task => (topic === undefined || task.topic === topic) && (!assignee || task.assignee === assignee),
          )
          for (const status of [undefined, 'open', 'claimed', 'complete'] as const) {
            const wanted = among
              .filter(task => !status || machine.record(task.id).status === status)
              .map(task => task.id)
            const list = (order: 'asc' | 'desc') =>
              pages(after => listRows(model, pact, { topic, assignee, status }, { order, limit, after }))
            expect(list('asc')).toEqual(wanted)
            expect(list('desc')).toEqual(wanted.toReversed())
          }
          const urgency = (task: { priority: string }) => -priorities.indexOf(task.priority as 'low')
          const ready = among.filter(task => isReady(task.id, task.needs))
          ready.sort((a, b) => urgency(a) - urgency(b) || a.position - b.position)
          const page = (after: Place) =>
            readyRows(model, pact, { topic, assignee }, { limit, after, time: machine.time })
          expect(pages(page, true)).toEqual(ready.map(task => task.id))
        }
    }),
    { seed: 71, numRuns: 25 },
  )
})

test('no list walks over tasks that it does not answer', () => {
  const machine = new Machine()
  /** The indexes that a list uses, each with the columns that are looked up in it. */
  const lookups = (list: (model: Machine['model']) => unknown) => {
    const found = new Set<string>()
    const prepare = (sql: string) => {
      const values = [...sql.matchAll(/\?/g)].map(() => 1)
      for (const { detail } of machine.db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values)) {
        const line = String(detail)
        if (/\btasks_task\b/.test(line)) found.add(line.replace('SEARCH tasks_task USING INDEX tasks_task_', ''))
      }
      return machine.db.prepare(sql)
    }
    list({ prepare, pactNo: () => 7 })
    return [...found]
  }
  const list = (filter: object) =>
    lookups(model => listRows(model, pact, filter, { order: 'desc', limit: 2, after: null }))
  for (const status of [undefined, 'open']) {
    expect(list({ status })).toEqual(['status (pact=? AND status=? AND position<?)'])
    expect(list({ status, topic: 'docs' })).toEqual(['topic (pact=? AND topic=? AND status=? AND position<?)'])
    expect(list({ status, assignee: bob })).toEqual(['assignee (pact=? AND assignee=? AND status=? AND position<?)'])
    expect(list({ status, assignee: bob, topic: 'docs' })).toEqual([
      'assignee_topic (pact=? AND assignee=? AND topic=? AND status=? AND position<?)',
    ])
  }
  const ready = (filter: object) =>
    lookups(model => readyRows(model, pact, filter, { limit: 2, after: [1, 5], time: 9 }))
  expect(ready({})).toEqual(['ready (pact=? AND (urgency,position)>(?,?))', 'lease (pact=? AND lease_until<?)'])
  expect(ready({ topic: 'docs' })[0]).toBe('ready_topic (pact=? AND topic=? AND (urgency,position)>(?,?))')
  expect(ready({ assignee: bob })[0]).toBe('ready_assignee (pact=? AND assignee=? AND (urgency,position)>(?,?))')
})
