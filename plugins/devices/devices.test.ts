import { join } from 'node:path'
import IdentityKey from 'keet-identity-key'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Ledger } from '../../kernel/ledger/ledger.ts'
import type { Applicant, Json, RuleContext } from '../../kernel/rules.ts'
import { eventually, type Machine, membership, Network } from '../../test/support/network.ts'
import { hearLength, keepDisk, loseDisk, readMark } from '../../test/support/power.ts'
import knowledge from '../knowledge/index.ts'
import { operations } from '../operations/service.ts'
import { readModel } from '../read-model/service.ts'
import { rules } from './rules.ts'

interface Device {
  writer: string
  is_self: boolean
  online: boolean
  indexer: boolean
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error: { code: string }) => error.code,
  )
const link = async (machine: Machine) => (await machine.get<{ token: string }>('devices.link')).token
const devices = async (machine: Machine) => (await machine.get<{ entries: Device[] }>('devices.list')).entries
const joins = (machine: Machine, token: string) => machine.get('pacts.join', { token, alias: 'test', timeout: 20_000 })
const hex = (key: Buffer) => key.toString('hex')

describe('the rule', () => {
  it('lets in devices of seated identities and nobody else, whatever else is shown', async () => {
    const applicant: Applicant = { identity: 'aa', writer: 'bb', noise: 'cc' }
    const context = (seated: boolean) => ({ seated: async () => seated }) as unknown as RuleContext<object>
    const shown: Json[] = [null, {}, [], 'x', { kind: 'device', role: 'admin' }]
    for (const evidence of shown) {
      expect(await rules.admits?.device?.verify(applicant, evidence, context(true))).toEqual({ role: 'member' })
      expect(await rules.admits?.device?.verify(applicant, evidence, context(false))).toEqual({
        refuse: 'identity-unknown',
      })
    }
  })
})

describe('devices', () => {
  let net: Network
  let words: string
  let first: Machine
  beforeEach(async () => {
    net = await Network.open()
    words = IdentityKey.generateMnemonic()
    first = await net.founder({ words })
  })
  afterEach(() => net.close())

  it('of one identity join by a link and the same words, with the identity’s own role', async () => {
    const second = await net.machine({ words })
    expect(await joins(second, await link(first))).toMatchObject({ state: 'joined' })
    const members = await first.get<{ entries: { role: string; devices: object[] }[] }>('pacts.members')
    expect(members.entries).toHaveLength(1)
    expect(members.entries[0]).toMatchObject({ role: 'admin' })
    expect(members.entries[0]?.devices).toHaveLength(2)
    await eventually(async () => (await second.pact().status()).writable)
    expect((await second.get<{ token: string }>('invites.create', { role: 'admin' })).token).toMatch(/^op1/)
    expect(await devices(second)).toMatchObject([
      { is_self: false, online: true, indexer: true },
      { is_self: true, online: true, indexer: false },
    ])
  })

  it('of another identity are refused: the link opens nothing by itself', async () => {
    const other = await net.machine()
    const { length } = first.pact()
    expect(await code(joins(other, await link(first)))).toBe('JOIN_REFUSED')
    expect(first.pact().length).toBe(length)
  })

  it('of a member are let in by any member', async () => {
    const member = await net.machine({ words: IdentityKey.generateMnemonic() })
    const { token } = await first.get<{ token: string }>('invites.create')
    await joins(member, token)
    await eventually(async () => (await member.pact().status()).writable)
    expect(await devices(member)).toHaveLength(1)
    expect(await code(joins(await net.machine({ words }), await link(member)))).toBe('fine')
  })

  it('that are retired are cut off, and stay out with a fresh core too; the identity stays', async () => {
    // Another pact, so that the network answers the retired machine at all.
    await first.ask('pacts.create', { name: 'other' })
    // Attestations count in whole seconds: in the same second neither device is the younger.
    const older = Math.floor(Date.now() / 1000)
    await eventually(async () => Math.floor(Date.now() / 1000) > older)
    const stolen = await net.machine({ words })
    const token = await link(first)
    await joins(stolen, token)
    const writer = hex(stolen.pact().writer)
    expect(await code(first.ask('devices.retire', { writer: 'ffffffff' }))).toBe('DEVICE_UNKNOWN')
    await eventually(() =>
      first
        .pact()
        .members()
        .then(seats => seats.length === 2),
    )
    const end = await code(first.ask('devices.retire', { writer: writer.slice(0, 8) }))
    // The older device may not retire the younger one; the younger one may retire the older or itself.
    expect(end).toBe('DEVICE_NEWER')
    await eventually(async () => (await stolen.pact().status()).writable)
    await stolen.ask('devices.retire', { writer })
    await eventually(async () => (await first.pact().members()).length === 1)
    await eventually(async () => (await first.pact().status()).peers.every(peer => !peer.tunnel))

    await stolen.ask('pacts.leave', { pactId: 'test' })
    expect(await code(joins(stolen, token))).toBe('JOIN_REFUSED')
    const { token: invite } = await first.get<{ token: string }>('invites.create')
    expect(await code(joins(stolen, invite))).toBe('JOIN_REFUSED')
    expect(await code(joins(await net.machine({ words }), await link(first)))).toBe('fine')
  })

  it('cannot retire what the pact needs without naming what takes its place', async () => {
    const second = await net.machine({ words })
    await joins(second, await link(first))
    await eventually(async () => (await second.pact().status()).writable)
    const old = hex(first.pact().writer)
    const own = hex(second.pact().writer)
    expect(await code(second.ask('devices.retire', { writer: old }))).toBe('INDEXERS_NEEDED')
    expect(await code(second.ask('devices.retire', { writer: old, indexers: [old] }))).toBe('INDEXER_NOT_SEATED')
    expect(await code(second.ask('devices.retire', { writer: old, indexers: [own] }))).toBe('fine')
    await eventually(async () => (await second.pact().members()).length === 1)
    await eventually(async () => (await second.pact().status()).indexers.every(each => each.self))
    expect(await settled(second)).toBe(true)
    await eventually(async () => (await first.pact().status()).removed)
    expect(await refusals(second)).toEqual(['indexer-not-seated'])
  })

  it('retire the sole indexer while it is off: nothing is cut off before it has confirmed that, and all goes on when it is back', async () => {
    const second = await net.machine({ words })
    await joins(second, await link(first))
    await eventually(async () => (await second.pact().status()).writable)
    const [old, own] = [first, second].map(machine => hex(machine.pact().writer))
    await first.stop()
    await second.ask('devices.retire', { writer: old, indexers: [own] })
    const waiting = await second.pact().status()
    expect(waiting.indexers).toMatchObject([{ writer: old, online: false }])
    expect(waiting.waiting).toContain('is not reachable')
    await first.start()
    expect(await settled(second)).toBe(true)
    await eventually(async () => (await first.pact().status()).removed)
    expect((await second.pact().status()).indexers).toMatchObject([{ writer: own, self: true }])
    // A newcomer gets in, which needs what is confirmed.
    const { token } = await second.get<{ token: string }>('invites.create')
    const third = await net.machine()
    await joins(third, token)
    expect(third.pact().id).toBe(second.pact().id)
  })
})

/** Everything is confirmed in the end. */
const settled = (machine: Machine) => eventually(() => machine.pact().confirmed === machine.pact().length)
const refusals = async (machine: Machine) =>
  (
    await machine.get<{ entries: { verdict: string }[] }>('entries.list', {
      type: ['device.retire'],
      verdict: 'refused',
    })
  ).entries.map(({ verdict }) => verdict)

it('a member whose last entries were lost in a power loss is seated again by itself, with a fresh writer core', async () => {
  const net = await Network.open([...membership, knowledge])
  try {
    const founder = await net.founder()
    const member = await net.member(founder)
    const { id } = member.pact()
    const folder = join(member.dataDir, 'pacts', id)
    const known = async (machine: Machine) => {
      const { entries } = await machine.get<{ entries: { payload: { content: string } }[] }>('knowledge.list')
      return entries.map(({ payload }) => payload.content).sort()
    }
    const record = async (content: string, idempotencyKey: string) => {
      const caller = { agent: member.kernel.identity.defaultAgent.name, pacts: null, operations: null }
      const invocation = { caller, pact: 'test', idempotencyKey }
      const { output } = await member.kernel
        .use(operations)
        .invoke('knowledge.record', { topic: 'power', content }, invocation)
      return (output as { id: string }).id
    }
    await eventually(async () => (await member.pact().status()).writable)
    const kept = await record('kept', 'key-1')
    await eventually(() => member.pact().confirmed === member.pact().length)
    await member.stop()
    await keepDisk(folder)
    await member.start()
    await eventually(async () => (await member.pact().status()).peers.some(peer => peer.tunnel))
    await founder.stop()
    await record('lost', 'key-2')
    await hearLength(join(founder.dataDir, 'pacts', id), (member.pact() as Ledger).base.local)
    const old = member.pact().writer
    const mark = await readMark(folder)
    await member.stop()
    await loseDisk(folder, mark)

    await founder.start()
    await member.start()
    expect(await code(record('too early', 'key-3'))).toBe('WRITER_IN_DOUBT')
    await eventually(async () => {
      const pact = member.kernel.pacts.find('test')
      return pact && !pact.writer.equals(old) && (await pact.status()).writable
    }, 30_000)
    expect(await record('kept', 'key-1')).toBe(kept)
    expect(await record('after', 'key-3')).toBe(`${hex(member.pact().writer).slice(0, 8)}-1`)
    await eventually(async () => (await known(founder)).includes('after'))
    expect(await known(founder)).toEqual(['after', 'kept'])
    expect(await known(member)).toEqual(['after', 'kept'])
    expect(member.kernel.use(readModel).progress(member.pact()).rebuilds).toBe(0)
    // One seat each, and one entry that seated it again.
    expect(await devices(member)).toMatchObject([{ is_self: true, online: true, writer: hex(member.pact().writer) }])
    expect(await founder.pact().members()).toHaveLength(2)
    const types = await Promise.all(
      Array.from({ length: founder.pact().length }, async (_, i) => (await founder.pact().record(i))?.entry?.type),
    )
    expect(types.filter(type => type === 'member.add')).toHaveLength(2)
  } finally {
    await net.close()
  }
}, 60_000)
