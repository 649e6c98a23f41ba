import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { connect, type Group, group, head, type Peer, until } from '../../test/support/ledgers.ts'
import { defineRules } from '../rules.ts'
import { ACCEPTED, type Entry } from './entry.ts'
import { encodeEntry } from './envelope.ts'

// `mallory` is a full member who writes blocks past the kernel, straight into its own core.
let g: Group
let alice: Peer
let mallory: Peer

const faulty = defineRules({
  protocol: 1,
  types: ['ruled'],
  validate(entry) {
    const payload = entry.payload as { do?: string }
    if (payload.do === 'throw') throw new Error('oops')
    if (payload.do === 'answer') return 'Not A Code' as string
    if (payload.do === 'refuse') return 'my-reason'
    return undefined
  },
  async reduce(entry, { state }) {
    await state.put('last', entry.id)
    if ((entry.payload as { do?: string }).do === 'throw-late') throw new Error('after a write')
  },
})

beforeEach(async () => {
  g = await group(2, { rules: { faulty }, types: ['ruled'] })
  ;[alice, mallory] = g.peers as [Peer, Peer]
  connect(alice.pact, mallory.pact)
})
afterEach(() => g.dispose())

function forge(fields: Partial<Entry> = {}, options: { writer?: Buffer; pact?: Buffer; secret?: Buffer } = {}): Buffer {
  const { pact, identity } = mallory
  const entry = {
    v: 1,
    type: 'note',
    n: 1000 + Math.floor(pact.length),
    timestamp: Date.now(),
    topic: '',
    payload: Buffer.from('{"text":"x"}'),
    refs: [],
    agent: identity.defaultAgent.key,
    origin: '',
    caused_by: '',
    hops: 0,
    dedup: null,
    enc: '',
    ext: null,
    ...fields,
  }
  const sign = (message: Buffer) =>
    options.secret ? crypto.sign(message, options.secret) : identity.sign(identity.defaultAgent.name, message)
  return encodeEntry(entry, options.pact ?? pact.key, options.writer ?? pact.writer, sign).bytes
}

/** Appends a raw block and answers the verdict both machines give it. */
async function verdictOf(block: Buffer): Promise<string | undefined> {
  const before = mallory.pact.length
  await mallory.pact.base.append(block)
  await until(
    [alice.pact, mallory.pact],
    async () => alice.pact.length === mallory.pact.length && (await head(alice.pact)) === (await head(mallory.pact)),
  )
  if (mallory.pact.length === before) return undefined
  return (await alice.pact.record(alice.pact.length - 1))?.verdict
}

async function aliceStillWrites(): Promise<void> {
  const [receipt] = await alice.pact.append([{ type: 'note', payload: { text: 'still here' } }], { until: 'confirmed' })
  expect(receipt).toMatchObject({ verdict: ACCEPTED, confirmed: true })
}

test('garbage, empty and over-limit blocks keep only hash, size and verdict', async () => {
  for (const [block, verdict] of [
    [Buffer.from('garbage that is no entry at all, however long it may go on and on and on…'), 'malformed'],
    [Buffer.alloc(1), 'malformed'],
    [Buffer.alloc(200, 0xff), 'malformed'],
    [Buffer.alloc(100_000, 1), 'too-large'],
  ] as const) {
    expect(await verdictOf(block)).toBe(verdict)
    const record = await alice.pact.record(alice.pact.length - 1)
    expect(record).toMatchObject({ entry: null, size: block.length })
    expect(record?.id).toMatch(/^[0-9a-f]{8}-b\d+$/)
  }
  await aliceStillWrites()
})

test('a block that is no block of Autobase stops its own writer alone, and status names it', async () => {
  const raw = mallory.pact.base.local.session({ valueEncoding: 'binary' })
  await raw.append(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
  await raw.close()
  const name = mallory.pact.writer.toString('hex', 0, 4)
  const named = async () => (await alice.pact.status()).health.problems.some(line => line.includes(name))
  await vi.waitUntil(named, { timeout: 20_000 })
  const [receipt] = await alice.pact.append([{ type: 'note', payload: { text: 'goes on' } }])
  expect(receipt?.verdict).toBe(ACCEPTED)
  await alice.close()
  await alice.open()
  const [again] = await alice.pact.append([{ type: 'note', payload: { text: 'after a restart' } }])
  expect(again?.verdict).toBe(ACCEPTED)
})

test('an entry signed by anybody but a live agent of the writer is refused', async () => {
  const stranger = crypto.keyPair()
  expect(await verdictOf(forge({}, { secret: stranger.secretKey }))).toBe('bad-signature')
  expect(await verdictOf(forge({ agent: stranger.publicKey }, { secret: stranger.secretKey }))).toBe('agent-unknown')
  expect(await verdictOf(forge({ agent: alice.identity.defaultAgent.key }))).toBe('bad-signature')
  expect(await verdictOf(forge({}, { pact: crypto.randomBytes(32) }))).toBe('bad-signature')
  expect(await verdictOf(forge({}, { writer: alice.pact.writer }))).toBe('bad-signature')
  await aliceStillWrites()
})

test('an entry replayed from another member, or one of its own again, gains nothing', async () => {
  await alice.pact.append([{ type: 'note', payload: { text: 'mine' } }])
  const own = forge({ n: 5000 })
  expect(await verdictOf(own)).toBe(ACCEPTED)
  expect(await verdictOf(own)).toBeUndefined()
  expect(await verdictOf(forge({ n: 4999 }))).toBeUndefined()
  await aliceStillWrites()
})

test('kernel types with hostile payloads get a verdict', async () => {
  const payloads = [
    'null',
    '[]',
    '{}',
    '"x"',
    '{"via":{"kind":"test"}}',
    `${'['.repeat(40)}${']'.repeat(40)}`,
    '{"identity":7}',
    '{not json',
  ]
  for (const type of [
    'pact.amend',
    'pact.ready',
    'pact.indexers',
    'member.add',
    'member.remove',
    'device.retire',
    'admin.grant',
    'admin.revoke',
    'agent.add',
    'agent.revoke',
    'tick',
    'pact.charter',
  ])
    for (const payload of payloads) {
      const verdict = await verdictOf(forge({ type, payload: Buffer.from(payload) }))
      expect(verdict, `${type} ${payload.slice(0, 20)}`).toMatch(/^[a-z-]+$/)
      expect(verdict).not.toBe(ACCEPTED)
    }
  await aliceStillWrites()
})

test('a member has no rights of an admin', async () => {
  const identity = alice.identity.key.toString('hex')
  const base = (await alice.pact.charter())?.hash
  for (const [type, payload] of [
    ['pact.amend', { base, change: { name: 'mine now' } }],
    ['pact.indexers', { writers: [mallory.pact.writer.toString('hex')] }],
    ['member.remove', { identity }],
    ['admin.grant', { identity: mallory.identity.key.toString('hex') }],
    ['admin.revoke', { identity }],
    ['device.retire', { writer: alice.pact.writer.toString('hex') }],
    ['agent.revoke', { key: alice.identity.defaultAgent.key.toString('hex') }],
    ['tick', {}],
  ] as const)
    expect(await verdictOf(forge({ type, payload: Buffer.from(JSON.stringify(payload)) })), type).toBe('not-authorised')
  await aliceStillWrites()
})

test('a rule at fault costs the entry and nothing else', async () => {
  const ruled = (what: string) => forge({ type: 'ruled', payload: Buffer.from(JSON.stringify({ do: what })) })
  expect(await verdictOf(ruled('refuse'))).toBe('my-reason')
  expect(await verdictOf(ruled('throw'))).toBe('plugin-fault')
  expect(await verdictOf(ruled('answer'))).toBe('plugin-fault')
  expect(await alice.pact.state('faulty').get('last')).toBeNull()
  expect(await verdictOf(ruled('throw-late'))).toBe('plugin-fault')
  expect(await alice.pact.state('faulty').get('last')).toBeNull()
  expect(await verdictOf(ruled('nothing'))).toBe(ACCEPTED)
  expect(await alice.pact.state('faulty').get('last')).toMatch(/^[0-9a-f]{8}-\d+$/)
  await aliceStillWrites()
})

test('a fast clock of a member does not move ledger time', async () => {
  const before = await alice.pact.time()
  expect(await verdictOf(forge({ timestamp: 8e15 }))).toBe(ACCEPTED)
  expect(await alice.pact.time()).toBe(before)
})
