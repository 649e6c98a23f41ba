import { Ajv } from 'ajv'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyOf, RuleWorld } from '../../test/support/rule.ts'
import { task, taskClaim, taskComplete, taskRelease, taskRenew } from './entries.ts'
import { bounds } from './payloads.ts'
import { defaults, longestLease, QUIET, rules, type TaskRecord, type TaskSettings, taskKey } from './rules.ts'

const MINUTE = 60_000
const [ann, bob, cid] = [keyOf('a'), keyOf('b'), keyOf('c')] as const
const identities: Record<string, string> = { [ann]: keyOf('1'), [bob]: keyOf('2'), [cid]: keyOf('2') }
const runs = { seed: 20260, numRuns: 300 }

class World extends RuleWorld<TaskSettings> {
  constructor() {
    super(rules)
    Object.assign(this.identities, identities)
  }

  /** Records a task and answers its id. */
  async task(payload: object = {}): Promise<string> {
    expect(await this.say('task', ann, { title: 'work', ...payload })).toBe('accepted')
    return this.last
  }

  claim(id: string, agent: string, lease = 15 * MINUTE) {
    return this.say('task.claim', agent, { task: id, lease_ms: lease })
  }

  record(id: string): TaskRecord {
    return this.read<TaskRecord>(taskKey(id)) as TaskRecord
  }
}

const asAdmin = { admin: true }

test('the first claim wins and the second is refused', async () => {
  const world = new World()
  const id = await world.task()
  expect(await world.claim(id, ann)).toBe('accepted')
  expect(await world.claim(id, bob)).toBe('task-not-open')
  expect(await world.claim(id, ann)).toBe('task-not-open')
  expect(world.record(id)).toMatchObject({ status: 'claimed', claimant: ann })
})

test('a lease that ended by ledger time lets another claim, and not a moment earlier', async () => {
  const world = new World()
  const id = await world.task()
  await world.claim(id, ann, MINUTE)
  world.wait(MINUTE - 1)
  expect(await world.claim(id, bob)).toBe('task-not-open')
  world.wait(1)
  expect(await world.claim(id, bob)).toBe('accepted')
  expect(await world.say('task.complete', ann, { task: id })).toBe('not-claimant')
  expect(await world.say('task.complete', bob, { task: id })).toBe('accepted')
})

test('who comes back after the end of the lease still renews and completes when nobody took over', async () => {
  const world = new World()
  const id = await world.task()
  await world.claim(id, ann, MINUTE)
  world.wait(60 * MINUTE)
  expect(await world.say('task.renew', ann, { task: id, lease_ms: MINUTE })).toBe('accepted')
  expect(await world.claim(id, bob)).toBe('task-not-open')
  world.wait(60 * MINUTE)
  expect(await world.say('task.complete', ann, { task: id, result: { ok: true } })).toBe('accepted')
})

test('nothing changes a completed task', async () => {
  const world = new World()
  const id = await world.task()
  await world.claim(id, ann)
  await world.say('task.complete', ann, { task: id })
  const before = world.state.get(taskKey(id))
  world.wait(365 * 24 * 60 * MINUTE)
  for (const agent of [ann, bob]) {
    expect(await world.claim(id, agent)).toBe('task-complete')
    expect(await world.say('task.renew', agent, { task: id, lease_ms: MINUTE })).toBe('task-complete')
    expect(await world.say('task.release', agent, { task: id }, asAdmin)).toBe('task-complete')
    expect(await world.say('task.complete', agent, { task: id })).toBe('task-complete')
  }
  expect(world.state.get(taskKey(id))).toBe(before)
})

test('only the holder renews, releases and completes; an admin may release', async () => {
  const world = new World()
  const id = await world.task()
  for (const type of ['task.release', 'task.complete'])
    expect(await world.say(type, ann, { task: id })).toBe('not-claimant')
  expect(await world.say('task.renew', ann, { task: id, lease_ms: MINUTE })).toBe('not-claimant')
  expect(await world.say('task.release', cid, { task: id }, asAdmin)).toBe('not-claimant')
  await world.claim(id, ann)
  expect(await world.say('task.renew', bob, { task: id, lease_ms: MINUTE })).toBe('not-claimant')
  expect(await world.say('task.release', bob, { task: id })).toBe('not-claimant')
  expect(await world.say('task.complete', bob, { task: id }, asAdmin)).toBe('not-claimant')
  expect(await world.say('task.release', cid, { task: id }, asAdmin)).toBe('accepted')
  expect(world.record(id)).toMatchObject({ status: 'open', claimant: null, lease_until: 0 })
})

test('an assigned task is for its agent, or for every agent of its identity', async () => {
  const world = new World()
  const forBob = await world.task({ assignee: bob })
  expect(await world.claim(forBob, ann)).toBe('not-assignee')
  expect(await world.claim(forBob, cid)).toBe('not-assignee')
  expect(await world.claim(forBob, bob)).toBe('accepted')
  const forPerson = await world.task({ assignee: identities[bob] })
  expect(await world.claim(forPerson, ann)).toBe('not-assignee')
  expect(await world.claim(forPerson, cid)).toBe('accepted')
})

test('a task is blocked until all it depends on is complete', async () => {
  const world = new World()
  const [first, second] = [await world.task(), await world.task()]
  const last = await world.task({ depends_on: [first, second] })
  expect(await world.claim(last, ann)).toBe('task-blocked')
  for (const id of [first, second]) {
    await world.claim(id, ann)
    expect(await world.claim(last, ann)).toBe('task-blocked')
    await world.say('task.complete', ann, { task: id })
  }
  expect(await world.claim(last, ann)).toBe('accepted')
})

test('dependencies stand earlier in the log: none is unknown, none is its own', async () => {
  const world = new World()
  const payload = { title: 'work', depends_on: ['0000000a-1'] }
  expect(await world.say('task', ann, payload)).toBe('dependency-unknown')
  expect(await world.say('task', ann, { title: 'work', depends_on: ['0000000b-7'] })).toBe('dependency-unknown')
})

test('a lease is as long as the charter allows at most', async () => {
  const world = new World()
  const id = await world.task()
  world.settings = { max_lease_ms: MINUTE }
  expect(await world.claim(id, ann, MINUTE + 1)).toBe('lease-too-long')
  expect(await world.claim(id, ann, MINUTE)).toBe('accepted')
  expect(await world.say('task.renew', ann, { task: id, lease_ms: 2 * MINUTE })).toBe('lease-too-long')
  for (const settings of [
    null,
    undefined,
    7,
    [],
    { max_lease_ms: '9' },
    { max_lease_ms: 1e300 },
    { max_lease_ms: 0 },
  ]) {
    expect(longestLease(settings)).toBe(defaults.max_lease_ms)
  }
})

test('a fast clock takes nothing from another, and holds on to nothing for ever', async () => {
  const world = new World()
  const [taken, free] = [await world.task(), await world.task()]
  await world.claim(taken, ann)
  world.clock = world.time + QUIET
  expect(await world.claim(taken, bob)).toBe('task-not-open')
  expect(await world.claim(free, bob, MINUTE)).toBe('accepted')
  expect(world.record(free).lease_until).toBe(world.clock + MINUTE)
  world.clock += 1
  expect(await world.say('task.renew', bob, { task: free, lease_ms: MINUTE })).toBe('clock-ahead')
  world.wait(QUIET + MINUTE)
  expect(await world.claim(free, ann)).toBe('accepted')
})

test('a claim made while the pact was quiet keeps its whole lease when ledger time catches up', async () => {
  const world = new World()
  const id = await world.task()
  world.clock = world.time + 3 * 24 * 60 * MINUTE
  await world.claim(id, ann, MINUTE)
  world.time = world.clock
  expect(await world.claim(id, bob)).toBe('task-not-open')
})

test('an unknown task is refused', async () => {
  const world = new World()
  expect(await world.claim('0000000a-9', ann)).toBe('task-unknown')
  expect(await world.say('task.complete', ann, { task: '0000000a-9' })).toBe('task-unknown')
})

// Any sequence of entries, by any agents, with ledger time moving on.

const step = fc.oneof(
  fc.record({ do: fc.constant('claim'), lease: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constant('renew'), lease: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constantFrom('release', 'complete', 'wait'), lease: fc.constant(0) }),
)
const sequence = fc.array(
  fc.record({ step, agent: fc.constantFrom(ann, bob, cid), task: fc.nat(2), admin: fc.boolean() }),
  { maxLength: 40 },
)

test('every sequence of entries keeps the promises of the rule', async () => {
  await fc.assert(
    fc.asyncProperty(sequence, async steps => {
      const world = new World()
      const free = await world.task()
      const ids = [free, await world.task({ assignee: bob }), await world.task({ depends_on: [free] })]
      for (const { step, agent, task, admin } of steps) {
        const id = ids[task] as string
        const before = world.record(id)
        const all = JSON.stringify([...world.state])
        if (step.do === 'wait') {
          world.wait(MINUTE)
          continue
        }
        const lease_ms = step.lease * MINUTE
        const verdict = await world.say(`task.${step.do}`, agent, { task: id, lease_ms }, { admin })
        const after = world.record(id)
        if (verdict !== 'accepted') {
          expect(JSON.stringify([...world.state])).toBe(all)
          continue
        }
        expect(before.status).not.toBe('complete')
        expect(after.claimant === null).toBe(after.status === 'open')
        if (step.do === 'claim') {
          expect(before.status === 'open' || world.time >= before.lease_until).toBe(true)
          expect(after).toMatchObject({ status: 'claimed', claimant: agent, lease_until: world.time + lease_ms })
          if (task === 1) expect(agent).toBe(bob)
          if (task === 2) expect(world.record(free).status).toBe('complete')
        } else {
          expect(before.status).toBe('claimed')
          if (!(step.do === 'release' && admin)) expect(before.claimant).toBe(agent)
        }
      }
    }),
    runs,
  )
})

test('the same sequence gives the same verdicts and the same bytes', async () => {
  const play = async (
    steps: { step: { do: string; lease: number }; agent: string; task: number; admin: boolean }[],
  ) => {
    const world = new World()
    const ids = [await world.task(), await world.task(), await world.task()]
    const verdicts: string[] = []
    for (const { step, agent, task, admin } of steps) {
      const payload = { task: ids[task], lease_ms: step.lease * MINUTE }
      if (step.do === 'wait') world.wait(MINUTE)
      else verdicts.push(await world.say(`task.${step.do}`, agent, payload, { admin }))
    }
    return JSON.stringify([verdicts, [...world.state]])
  }
  await fc.assert(
    fc.asyncProperty(sequence, async steps => {
      expect(await play(steps)).toBe(await play(steps))
    }),
    { ...runs, numRuns: 50 },
  )
})

// Payloads: the rule stands without schemas, so what it takes must be what the schemas take.

const types = [task, taskClaim, taskRenew, taskRelease, taskComplete]
const ajv = new Ajv({ strict: false })
const fits = Object.fromEntries(types.map(type => [type.name, ajv.compile(type.payload)]))

const near = fc.record(
  {
    title: fc.oneof(fc.string({ maxLength: 5 }), fc.string({ unit: fc.constant('𝄞'), minLength: 290, maxLength: 310 })),
    description: fc.oneof(fc.string(), fc.nat()),
    priority: fc.constantFrom('low', 'urgent', 'soon', null),
    assignee: fc.constantFrom(ann, 'ann', `${ann}0`),
    depends_on: fc.oneof(fc.array(fc.constantFrom('0000000a-1', '0000000a-2', 'x'), { maxLength: 3 }), fc.string()),
    task: fc.constantFrom('0000000a-1', '0000000a-0', '0000000A-1', '0000000a-1 ', '', 3),
    lease_ms: fc.oneof(
      fc.integer({ min: bounds.shortestLease - 2, max: bounds.shortestLease + 2 }),
      fc.constantFrom(-1, 12_000.5, '20000', bounds.longestLease, bounds.longestLease + 1, 2 ** 53),
    ),
    reason: fc.oneof(fc.string(), fc.string({ minLength: bounds.reason, maxLength: bounds.reason + 2 }), fc.boolean()),
    result: fc.jsonValue(),
    more: fc.jsonValue(),
  },
  { requiredKeys: [] },
)
/** As it arrives: JSON knows no undefined, NaN or Infinity. */
const payloads = fc.oneof(near, fc.jsonValue()).map(value => JSON.parse(JSON.stringify(value)) as unknown)

test('a payload is well formed to the rule exactly when it fits the schema, and no payload makes the rule throw', async () => {
  const type = fc.constantFrom(...types.map(t => t.name))
  await fc.assert(
    fc.asyncProperty(type, payloads, async (name, payload) => {
      const world = new World()
      await world.task()
      await world.task()
      const verdict = await world.say(name, ann, payload)
      expect(verdict).toMatch(/^[a-z][a-z-]+$/)
      expect(verdict === 'task-invalid', JSON.stringify(payload)).toBe(!fits[name]?.(payload))
    }),
    { ...runs, numRuns: 3000 },
  )
})
