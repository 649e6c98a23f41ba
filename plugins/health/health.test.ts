import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLog } from '../../kernel/host/log.ts'
import { definePlugin, type PluginEntry, startKernel } from '../../kernel/index.ts'
import { defineRules } from '../../kernel/rules.ts'
import { eventually, type Machine, membership, Network } from '../../test/support/network.ts'
import { access } from '../access/service.ts'
import events from '../events/index.ts'
import http from '../http/index.ts'
import { http as httpService } from '../http/route.ts'
import knowledge from '../knowledge/index.ts'
import { type Finding, type Metric, health as reporter } from '../operations/health.ts'
import { operations } from '../operations/service.ts'
import secrets from '../secrets/index.ts'
import health from './index.ts'

const broken = { on: false }
const webhooks = definePlugin({
  name: 'toy-webhooks',
  version: '0.0.0',
  api: 1,
  summary: 'Reports, for tests',
  contributes: [
    reporter({
      name: 'toy-webhooks',
      findings: () => {
        if (broken.on) throw new Error('lost')
        return [{ level: 'advice', about: 'Webhooks', words: 'one waits' }]
      },
      metrics: (): Metric[] => [
        { name: 'webhooks_waiting', help: 'Deliveries that wait', value: 1, labels: { state: 'retry' } },
        { name: 'webhooks_waiting', help: 'Deliveries that wait', value: 2, labels: { state: 'new "one"\n' } },
        { name: 'webhooks_waiting', help: 'Other labels', value: 3, labels: { other: 'x' } },
        { name: 'not a name', help: '', value: 4 },
        { name: 'webhooks_nothing', help: '', value: Number.NaN },
      ],
    }),
  ],
})
const plugins: PluginEntry[] = [
  ...membership,
  ...[events, knowledge, secrets, health, webhooks, { plugin: http, config: { port: 0 } }],
]

let net: Network
let founder: Machine
beforeAll(async () => {
  net = await Network.open(plugins)
  founder = await net.founder()
})
afterAll(() => net.close())

const report = async (machine: Machine) => (await machine.get<{ findings: Finding[] }>('health.report')).findings
const fetched = async (path: string, token: string | null) => {
  const response = await fetch(`${founder.kernel.use(httpService).url}${path}`, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}
const issue = (limits: object) =>
  founder.kernel.use(access).issue({ agent: founder.kernel.identity.defaultAgent.name, ...limits })

test('plugins report beside the machine and its pacts; one that fails is named and hides nobody', async () => {
  const told = await report(founder)
  expect(told).toContainEqual({ level: 'advice', about: 'Webhooks', words: 'one waits' })
  expect(told).toContainEqual(expect.objectContaining({ about: 'Disk' }))
  expect(told).toContainEqual(expect.objectContaining({ level: 'ok', about: 'Pact test' }))
  broken.on = true
  const worse = await founder.get<{ ok: boolean; findings: Finding[] }>('health.report')
  broken.on = false
  expect(worse.ok).toBe(false)
  expect(worse.findings).toContainEqual(expect.objectContaining({ level: 'fault', about: 'Plugin toy-webhooks' }))
  expect(worse.findings).toContainEqual(expect.objectContaining({ about: 'Pact test' }))
})

test('a token for one pact is told about that pact alone', async () => {
  const { id } = founder.pact()
  await founder.kernel.pacts.create({ name: 'Other', alias: 'other' })
  const { token } = await issue({ pacts: [id] })
  const { findings } = JSON.parse((await fetched('/v1/health', token)).text) as { findings: Finding[] }
  expect(new Set(findings.map(({ about }) => about))).toEqual(new Set(['Pact test']))
})

test('machines tell each other their versions and rules', async () => {
  const member = await net.member(founder)
  const same = / runs OpenPact \S+ with the same rules$/
  for (const machine of [founder, member]) {
    await eventually(async () => (await report(machine)).some(({ words }) => same.test(words)))
  }
  const connected = (await report(founder)).find(({ words }) => words.includes('is connected'))
  expect(connected?.words).toContain(member.kernel.identity.defaultAgent.handle)
})

test('a machine that cannot judge entries is named by the others, and not made an indexer', async () => {
  const polls = definePlugin({
    name: 'polls',
    version: '0.0.0',
    api: 1,
    summary: 'Has rules, for tests',
    rules: defineRules({ protocol: 1, types: [] }),
  })
  const judging = await net.machine({ plugins: [...plugins, polls] })
  await judging.ask('pacts.create', { name: 'test' })
  const unable = await net.member(judging)
  const writer = unable.pact().writer.toString('hex')
  await eventually(async () => (await unable.pact().status()).interrupted)
  // It tells when machines meet, and every 15 s.
  await unable.stop()
  await unable.start()
  await eventually(async () => (await report(judging)).some(({ words }) => words.includes('cannot judge entries')))
  await expect(judging.ask('pacts.indexers', { indexers: [writer] })).rejects.toMatchObject({
    code: 'INDEXER_CANNOT_JUDGE',
  })
  expect(await report(unable)).not.toContainEqual(
    expect.objectContaining({ words: expect.stringContaining('same rules') }),
  )
})

test('metrics need an unlimited token, time operations by name and outcome, and stay readable whatever plugins give', async () => {
  const { token } = await issue({})
  expect((await fetched('/v1/metrics', null)).status).toBe(401)
  expect((await fetched('/v1/metrics', (await issue({ pacts: [founder.pact().id] })).token)).status).toBe(403)
  expect((await fetched('/v1/metrics', token)).type).toMatch(/^text\/plain; version=0\.0\.4/)

  await founder.ask('knowledge.record', { topic: 'metrics', content: 'counted' })
  await founder.ask('knowledge.record', { topic: 'metrics' }).catch(() => {})
  await founder.ask('no.such.operation').catch(() => {})
  const { text } = await fetched('/v1/metrics', token)
  expect(text).toContain('openpact_operation_seconds_count{operation="knowledge.record",outcome="ok"} 1')
  expect(text).toContain('openpact_operation_seconds_count{operation="knowledge.record",outcome="invalid"} 1')
  expect(text).not.toContain('no.such')
  expect(text).toContain(`openpact_entries{pact="test"} ${founder.pact().length}`)
  expect(text).toMatch(/^openpact_events_head [1-9]/m)
  expect(text).toContain('openpact_webhooks_waiting{state="retry"} 1')
  for (const name of ['peers', 'entries_unconfirmed', 'resident_bytes', 'event_loop_lag_seconds', 'disk_free_bytes'])
    expect(text).toMatch(new RegExp(`^openpact_${name}(\\{.*\\})? [0-9.e+-]+$`, 'm'))
  for (const line of text.trim().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+.*|\w+(\{.*\})? \S+|)$/)
})

test('text of entries never gets into the log at its default level', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'openpact-quiet-'))
  const lines: string[] = []
  const log = openLog({ streams: [{ write: line => lines.push(line) }] })
  const start = () => startKernel({ dataDir, plugins, network: false, log, base: dataDir })
  let kernel = await start()
  try {
    const { id } = await kernel.pacts.create({ name: 'quiet', alias: 'quiet' })
    const caller = { agent: kernel.identity.defaultAgent.name, pacts: null, operations: null }
    const record = (input: object, key?: string) =>
      kernel
        .use(operations)
        .invoke('knowledge.record', input, { caller, pact: id, idempotencyKey: key })
        .catch(() => {})
    const text = 'MARKED'
    await record({ topic: text, content: text, source: text })
    await record({ topic: text, content: text, refs: ['00000000-1'] }, 'key')
    await record({ topic: text, content: 'other' }, 'key')
    await record({ topic: text, content: text, MARKED: text })
    await record({ topic: text, content: `${text} ghp_${'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'}` })
    await record({ topic: text, content: text.repeat(20_000) })
    const pact = kernel.pacts.get(id)
    await pact.append([{ type: 'knowledge', topic: text, payload: { content: 1, MARKED: text } }]).catch(() => {})
    await pact.append([{ type: 'unknown-type', topic: text, payload: text }]).catch(() => {})
    await pact.append([{ type: 'knowledge', topic: text, payload: Buffer.from(text), enc: 'none' }])
    await kernel.close()
    kernel = await start()
    expect(kernel.pacts.get(id).length).toBeGreaterThan(3)
    log.info('the end')
    expect(lines.at(-1)).toContain('the end')
    expect(lines.filter(line => line.includes(text))).toEqual([])
  } finally {
    await kernel.close()
    await rm(dataDir, { recursive: true })
  }
})
