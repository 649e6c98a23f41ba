/** Every operation that a daemon has, through every surface that offers it: the same result, the same refusal. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { OperationInfo } from '../cli/known-operations.ts'
import { type Example, examples, type Fields, type World } from './conformance/examples.ts'
import { type Outcome, type Surface, surfaces, type Target } from './conformance/surfaces.ts'
import { TestDaemon, temporaryDirectory } from './support/daemon.ts'

// Hundreds of calls in one test; a busy machine is given time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const pact = 'first'
let dataDir: string
let daemon: TestDaemon
let all: Surface[]
let operations: Map<string, OperationInfo & { access: string; plugin: string }>

beforeAll(async () => {
  dataDir = join(await temporaryDirectory(), 'data')
  await mkdir(dataDir, { mode: 0o700 })
  const polls = join(import.meta.dirname, '..', 'examples', 'plugins', 'polls', 'index.ts')
  const patient = { burst: 10_000, rate: 10_000 }
  const plugins = [
    { plugin: 'operations', config: { check_output: true } },
    { plugin: 'http', config: { port: 0, limits: { stranger: patient } } },
    polls,
  ]
  await writeFile(join(dataDir, 'openpact.config.json'), JSON.stringify({ network: false, plugins }))
  const trigger = { id: 'ready', match: { type: 'knowledge', topic: 'trigger' }, run: 'sh -c true', approve: 'never' }
  await writeFile(join(dataDir, 'triggers.yaml'), JSON.stringify([trigger]), { mode: 0o600 })
  daemon = await TestDaemon.start({ dataDir, args: ['--first-pact'] })
  all = surfaces(daemon)
  type Listed = OperationInfo & { access: string; plugin: string }
  const { body } = await daemon.get<{ entries: Listed[] }>('/v1/operations')
  operations = new Map(body.entries.map(operation => [operation.name, operation]))
})
afterAll(async () => {
  for (const surface of all ?? []) await surface.close?.()
  await daemon?.dispose()
  await rm(join(dataDir, '..'), { recursive: true, force: true })
})

let counter = 0
const world: World = {
  pact,
  get folder() {
    return dataDir
  },
  async prepare(name, input = {}) {
    const outcome = await all[0]!.call(operations.get(name)!, input, { pact })
    if (!('output' in outcome)) throw new Error(`${name}: ${outcome.code} ${outcome.message}`)
    return outcome.output as Fields
  },
  fresh: prefix => `${prefix}-${String(++counter).padStart(4, '0')}`,
}

async function made(input: NonNullable<Example['works']>): Promise<Fields> {
  return typeof input === 'function' ? input(world) : input
}

type Outcomes = Record<string, Outcome>

/** The outcome on each surface that offers the operation, by its name. */
async function everywhere(operation: OperationInfo, input: () => Promise<Fields>, target: Target = { pact }) {
  const outcomes: Outcomes = {}
  for (const surface of all) {
    if (surface.offers(operation)) outcomes[surface.name] = await surface.call(operation, await input(), target)
  }
  return outcomes
}

/** What is wrong with outcomes, in words: other than on the first surface, or not what was expected of all. */
function faults(name: string, outcomes: Outcomes, expected: (outcome: Outcome) => boolean): string[] {
  const [first] = Object.values(outcomes)
  return Object.entries(outcomes).flatMap(([surface, outcome]) => {
    const seen = JSON.stringify(outcome)?.slice(0, 400)
    if (!expected(outcome)) return [`${name} on ${surface}: ${seen}`]
    return isDeepStrictEqual(outcome, first)
      ? []
      : [`${name} on ${surface} differs: ${seen} is not ${JSON.stringify(first).slice(0, 400)}`]
  })
}

/** What is confirmed meanwhile. */
const settling = ['confirmed', 'provisional']

function without(fields: readonly string[], outcomes: Outcomes): Outcomes {
  return JSON.parse(JSON.stringify(outcomes, (name, value) => (fields.includes(name) ? undefined : value)))
}

function masked(outcomes: Outcomes): Outcomes {
  return Object.fromEntries(Object.entries(outcomes).map(([surface, outcome]) => [surface, plain(outcome) as Outcome]))
}

/** What differs each time something is written, by what it is: ids, times, keys, secrets, places in the ledger. */
function plain(value: unknown, field = ''): unknown {
  if (Array.isArray(value)) return value.map(each => plain(each))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each, name)]))
  }
  if (typeof value === 'number')
    return /^(position|created|expires|seq|length|confirmed|contiguous)$/.test(field) ? 'number' : value
  if (typeof value !== 'string') return value
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return 'time'
  if (/^[0-9a-f]{8}(-b?\d+)?$/.test(value)) return 'id'
  if (/^[\w-]{40,}$/.test(value) || /^[a-z]+_[\w+/=-]{12,}$/.test(value)) return 'key'
  return value
    .replace(/-\d{4}\b/g, '-0000')
    .replace(/\b[0-9a-f]{8}-\d+\b/g, 'id')
    .replace(/-[0-9a-f]{6}$/, '-handle')
}

it('has an example of every operation, and of no other', () => {
  expect(Object.keys(examples).sort()).toEqual([...operations.keys()].sort())
  for (const [name, { works, alone, refused, takesAll }] of Object.entries(examples)) {
    // Every write has the one field more.
    const fields = Object.keys(operations.get(name)?.input.properties ?? {}).filter(field => field !== 'allow_secret')
    expect(works !== undefined || alone !== undefined, `${name} works or says why it cannot here`).toBe(true)
    expect(refused !== undefined || takesAll !== undefined || fields.length === 0, `${name} can be refused`).toBe(true)
  }
})

it('works the same on every surface', async () => {
  const found: string[] = []
  for (const [name, operation] of operations) {
    const { works, moving = [] } = examples[name] ?? {}
    if (works === undefined) continue
    const reads = operation.access === 'read' && operation.query
    const once = reads ? await made(works) : null
    const outcomes = await everywhere(operation, async () => once ?? (await made(works)))
    // What only reads gives all of them exactly the same.
    const still = without([...settling, ...moving], outcomes)
    const compared = reads ? still : masked(still)
    found.push(...faults(name, compared, outcome => 'output' in outcome))
  }
  expect(found).toEqual([])
})

it('is refused the same on every surface, with the code of the example', async () => {
  const found: string[] = []
  for (const [name, operation] of operations) {
    const { refused } = examples[name] ?? {}
    if (refused === undefined) continue
    const [input, code] = refused
    const given = await made(input)
    const outcomes = await everywhere(operation, async () => given)
    found.push(...faults(name, outcomes, outcome => 'code' in outcome && outcome.code === code))
  }
  expect(found).toEqual([])
})

it('is refused to a wrong token and for an unknown pact on every surface', async () => {
  const found: string[] = []
  for (const [name, operation] of operations) {
    const input = await made(examples[name]?.works ?? examples[name]?.refused?.[0] ?? {})
    const stranger = await everywhere(operation, async () => input, { pact, token: 'nonsense' })
    found.push(...faults(name, stranger, outcome => 'code' in outcome && outcome.code === 'UNAUTHENTICATED'))
    if (operation.scope !== 'pact') continue
    const lost = await everywhere(operation, async () => input, { pact: 'frist' })
    const named = (outcome: Outcome) =>
      'code' in outcome && outcome.code === 'PACT_UNKNOWN' && outcome.help.includes('"first"')
    found.push(...faults(name, lost, named))
  }
  expect(found).toEqual([])
})

it('offers a plugin from outside on all of them', () => {
  const polls = [...operations.values()].filter(({ plugin }) => plugin === 'polls')
  expect(polls).toHaveLength(3)
  for (const surface of all)
    expect(
      polls.every(operation => surface.offers(operation)),
      surface.name,
    ).toBe(true)
})
