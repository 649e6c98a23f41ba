import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually, type Machine, Network } from '../../test/support/network.ts'
import type { Caller } from '../operations/operation.ts'
import { operations } from '../operations/service.ts'

let net: Network
let founder: Machine
beforeEach(async () => {
  net = await Network.open()
  founder = await net.founder()
})
afterEach(() => net.close())

interface Summary {
  id: string
  alias: string
  active: boolean
}
interface Status {
  waiting: string
  indexers: { online: boolean; self: boolean }[]
  synced: boolean
  confirmed: number
  length: number
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error: { code: string }) => error.code,
  )
const list = async (machine: Machine) => (await machine.get<{ entries: Summary[] }>('pacts.list')).entries
const hex = (key: Buffer) => key.toString('hex')
const writer = (machine: Machine) => hex(machine.pact().writer)

describe('the pacts of a machine', () => {
  it('are created, listed, chosen, renamed and left', async () => {
    await founder.ask('pacts.create', { name: 'Second one!' })
    expect(await list(founder)).toMatchObject([
      { alias: 'test', active: true },
      { alias: 'second-one', active: false },
    ])
    expect(await code(founder.ask('pacts.create', { name: 'x', alias: 'test' }))).toBe('PACT_EXISTS')
    await founder.ask('pacts.switch', { pact: 'second-one' })
    expect((await list(founder)).find(pact => pact.active)?.alias).toBe('second-one')
    expect(await founder.get('pacts.rename', { alias: 'other' }, 'second-one')).toMatchObject({ alias: 'other' })
    expect(await code(founder.ask('pacts.rename', { alias: 'test' }, 'other'))).toBe('PACT_EXISTS')

    await founder.stop()
    await founder.start()
    expect((await list(founder)).find(pact => pact.active)?.alias).toBe('other')
    expect(await code(founder.ask('pacts.leave', { pactId: 'other' }))).toBe('LEAVING_STOPS_PACT')
    expect(await founder.get('pacts.leave', { pactId: 'other', force: true })).toMatchObject({ left: true })
    expect(await list(founder)).toMatchObject([{ alias: 'test', active: true }])
    expect(await readdir(join(founder.dataDir, 'pacts'))).toEqual([founder.pact().id])
    expect(await code(founder.ask('pacts.switch', { pact: 'other' }))).toBe('PACT_UNKNOWN')
    expect(await code(founder.ask('pacts.info', { pactId: 'tets' }))).toBe('PACT_UNKNOWN')
  })

  it('are shown to a limited token only as far as it reaches', async () => {
    await founder.ask('pacts.create', { name: 'secret' })
    const { id } = founder.pact()
    const caller: Caller = { agent: founder.kernel.identity.defaultAgent.name, pacts: [id], operations: null }
    const ask = (name: string, input: object = {}) =>
      founder.kernel.use(operations).invoke(name, input, { caller, pact: 'test' })
    const listed = (await ask('pacts.list')).output as { entries: Summary[] }
    expect(listed.entries.map(pact => pact.alias)).toEqual(['test'])
    const machine = (await ask('pacts.machine')).output as { pacts: Summary[] }
    expect(machine.pacts.map(pact => pact.alias)).toEqual(['test'])
    expect((await ask('pacts.info', { pactId: 'test' })).output).toMatchObject({ id })
    for (const pactId of ['secret', 'no-such']) expect(await code(ask('pacts.info', { pactId }))).toBe('OUT_OF_SCOPE')
    for (const name of ['pacts.create', 'pacts.leave', 'pacts.join', 'pacts.switch']) {
      expect(await code(ask(name, { name: 'x', pactId: 'test', token: 'x', pact: 'test' }))).not.toBe('fine')
    }
    expect(await list(founder)).toHaveLength(2)
  })

  it('are never taken one for the other: a chosen one that cannot be opened stays the one that is meant', async () => {
    const machine = await net.founder()
    await machine.ask('pacts.create', { name: 'second' })
    const { id } = machine.pact()
    await machine.stop()
    await writeFile(join(machine.dataDir, 'pacts', id, 'pact.json'), '{')
    await machine.start()
    expect(await list(machine)).toMatchObject([{ alias: 'second', active: false }])
    const status = await machine.get<{ active: string; failed: object[] }>('pacts.machine')
    expect(status).toMatchObject({ active: id, failed: [{ id, error: 'PACT_CORRUPT' }] })
    expect(await code(machine.ask('pacts.info', { pactId: status.active }))).toBe('PACT_CORRUPT')
    await rm(join(machine.dataDir, 'pacts', id), { recursive: true })
    await machine.stop()
    await machine.start()
    expect(await list(machine)).toMatchObject([{ alias: 'second', active: true }])
  })

  it('have a status that names this machine, what is missing and what is held', async () => {
    const { identity } = founder.kernel
    const status = await founder.get<Status>('pacts.status')
    expect(status).toMatchObject({
      peer_handle: identity.defaultAgent.handle,
      public_key: hex(identity.defaultAgent.key),
      identity: hex(identity.key),
      pact_id: founder.pact().id,
      alias: 'test',
      name: 'test',
      synced: true,
      writable: true,
      waiting: '',
      interrupted: null,
      indexers: [{ online: true, self: true }],
      index: { partial: false },
      health: { ok: true },
    })
    expect(Object.keys((status as unknown as { rules: object }).rules).sort()).toEqual(['devices', 'invites'])
    expect(await founder.get('pacts.machine')).toMatchObject({
      version: founder.kernel.version,
      active: founder.pact().id,
    })
  })

  it('say on B what it waits for while A, the only indexer, is off', async () => {
    const member = await net.member(founder)
    await eventually(async () => (await member.get<Status>('pacts.status')).synced)
    await founder.stop()
    await eventually(async () => (await member.get<Status>('pacts.status')).waiting.includes('only indexer'))
    await eventually(async () => (await member.pact().status()).writable)
    expect((await member.get<{ confirmed: boolean }>('invites.create')).confirmed).toBe(false)
    await founder.start()
    await eventually(async () => {
      const { waiting, confirmed, length } = await member.get<Status>('pacts.status')
      return waiting === '' && confirmed === length
    }, 25_000)
  }, 60_000)
})

describe('members', () => {
  it('get and lose the rights of an admin, and the last admin keeps them', async () => {
    const member = await net.member(founder)
    const identity = hex(member.kernel.identity.key)
    const self = hex(founder.kernel.identity.key)
    expect(await code(founder.ask('pacts.role', { member: self, role: 'member' }))).toBe('LAST_ADMIN')
    await eventually(async () => (await member.pact().status()).writable)
    expect(await code(member.ask('pacts.role', { member: identity, role: 'admin' }))).toBe('NOT_AUTHORISED')
    expect(await code(member.ask('pacts.remove', { member: self }))).toBe('NOT_AUTHORISED')
    const { handle } = member.kernel.identity.defaultAgent
    expect(await founder.get('pacts.role', { member: handle, role: 'admin' })).toMatchObject({
      identity,
      role: 'admin',
    })
    expect(await code(founder.ask('pacts.role', { member: identity, role: 'admin' }))).toBe('ALREADY')
    const added = await member.get<{ name: string }>('agents.add', { name: 'helper' })
    await eventually(async () => (await founder.pact().agents()).some(({ name }) => name === added.name))
    expect(await code(founder.ask('pacts.role', { member: 'helper', role: 'admin' }))).toBe('ALREADY')
    expect(await founder.get('pacts.role', { member: self, role: 'member' })).toMatchObject({ role: 'member' })
    expect(await code(founder.ask('pacts.role', { member: 'nobody-000000', role: 'admin' }))).toBe('MEMBER_UNKNOWN')
    const { entries } = await founder.get<{ entries: { role: string; is_self: boolean }[] }>('pacts.members')
    expect(entries).toMatchObject([
      { role: 'member', is_self: true, online: true },
      { role: 'admin', is_self: false, online: true },
    ])
  })

  it('that are indexers are removed only with a new set; two are never a set', async () => {
    const member = await net.member(founder)
    const indexers = [writer(founder).slice(0, 8), writer(member).slice(0, 8)]
    expect(await code(founder.ask('pacts.indexers', { indexers }))).toBe('INDEXER_SET_SIZE')
    expect(await code(founder.ask('pacts.indexers', { indexers: ['00000000'] }))).toBe('MEMBER_UNKNOWN')
    await eventually(async () => (await member.pact().status()).writable)
    const { entry } = await member.get<{ entry: string }>('invites.create')
    await eventually(
      async () => (await founder.get<{ entries: { entry: string }[] }>('invites.list')).entries[0]?.entry === entry,
    )
    const { handle } = member.kernel.identity.defaultAgent
    await founder.ask('pacts.indexers', { indexers: [handle] })
    await eventually(async () => (await member.get<Status>('pacts.status')).indexers.every(each => each.self))
    const identity = hex(member.kernel.identity.key)
    expect(await code(founder.ask('pacts.remove', { member: identity }))).toBe('INDEXERS_NEEDED')
    expect(await code(founder.ask('pacts.remove', { member: identity, indexers: [handle] }))).toBe('INDEXER_NOT_SEATED')
    await founder.ask('pacts.remove', { member: identity, indexers: [writer(founder).slice(0, 8)] })
    expect(await founder.pact().members()).toHaveLength(1)
  })
})

describe('the charter', () => {
  interface View {
    charter: { purpose: string; invites: string; rules: { plugin: string; protocol: number; settings: unknown }[] }
    hash: string
    proposed: object | null
  }

  it('is read and amended, by admins, on the charter that was read', async () => {
    const before = await founder.get<View>('pacts.charter')
    const after = await founder.get<View>('pacts.amend', { purpose: 'to test', invites: 'admin', base: before.hash })
    expect(after).toMatchObject({ charter: { purpose: 'to test', invites: 'admin' }, proposed: null })
    expect(after.hash).not.toBe(before.hash)
    expect(await code(founder.ask('pacts.amend', { purpose: 'other', base: before.hash }))).toBe('CHARTER_CONFLICT')
    expect(await code(founder.ask('pacts.amend', {}))).toBe('INVALID_INPUT')
    for (const [field, value] of Object.entries({ name: '', types: ['No Type'], quotas: { payload_bytes: 0 } }))
      await expect(founder.ask('pacts.amend', { [field]: value })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining(`"${field}`),
      })
    const [twice] = (await founder.get<View>('pacts.charter')).charter.rules
    expect(await code(founder.ask('pacts.amend', { rules: [twice, twice], force: true }))).toBe('CHARTER_INVALID')
    expect(await founder.get('pacts.info', { pactId: 'test' })).toMatchObject({
      purpose: 'to test',
      charter_hash: after.hash,
    })

    const member = await net.member(founder)
    await eventually(async () => (await member.pact().status()).writable)
    expect(await code(member.ask('invites.create'))).toBe('NOT_AUTHORISED')
    expect(await code(member.ask('pacts.amend', { purpose: 'mine' }))).toBe('NOT_AUTHORISED')
  })

  it('is amended by admins only: nobody else is told to use force first, and nothing is signed', async () => {
    const member = await net.member(founder)
    await eventually(async () => (await member.pact().status()).writable)
    const { length } = await member.pact().status()
    const amend = (change: object) => code(member.ask('pacts.amend', change))
    expect(await code(member.ask('pacts.disable_rules', { plugin: 'devices' }))).toBe('NOT_AUTHORISED')
    for (const change of [{ types: [] }, { rules: [] }, { purpose: 'mine' }])
      expect(await amend(change)).toBe('NOT_AUTHORISED')
    expect((await member.pact().status()).length).toBe(length)
    expect(await code(founder.ask('pacts.amend', { types: [] }))).toBe('CHARTER_SWITCHES_OFF')
  })

  it('turns a rule off at once, and on again when the indexers can run it', async () => {
    const { charter } = await founder.get<View>('pacts.charter')
    const without = charter.rules.filter(rule => rule.plugin !== 'devices')
    expect(await founder.get<View>('pacts.amend', { rules: without, force: true })).toMatchObject({ proposed: null })
    await founder.ask('pacts.amend', { rules: charter.rules })
    await eventually(async () => {
      const view = await founder.get<View>('pacts.charter')
      return view.proposed === null && view.charter.rules.length === charter.rules.length
    })
  })

  it('switches the rules of one plugin off and on with their settings, by name and however often it is asked', async () => {
    const { charter } = await founder.get<View>('pacts.charter')
    const [entry] = charter.rules.filter(rule => rule.plugin === 'devices')
    const enable = (plugin: string) => founder.get('pacts.enable_rules', { plugin })
    expect(await enable('devices')).toMatchObject({ plugin: 'devices', state: 'on', entry: null })
    expect(await code(founder.ask('pacts.disable_rules', { plugin: 'devices' }))).toBe('CHARTER_SWITCHES_OFF')
    expect(await founder.get('pacts.disable_rules', { plugin: 'devices', force: true })).toMatchObject({ state: 'off' })
    expect(await founder.get('pacts.disable_rules', { plugin: 'devices' })).toMatchObject({ state: 'off', entry: null })
    expect(await enable('devices')).toMatchObject({ state: 'on', entry: expect.stringMatching(/^[0-9a-f]{8}-/) })
    expect((await founder.get<View>('pacts.charter')).charter.rules).toContainEqual(entry)
    expect(await code(enable('device'))).toBe('RULES_UNKNOWN')
    expect(await code(enable('pacts'))).toBe('RULES_UNKNOWN')
    expect(await code(founder.ask('pacts.disable_rules', { plugin: 'pols' }))).toBe('RULES_UNKNOWN')
  })

  it('keeps what is proposed when the rules of another plugin are switched on', async () => {
    const { charter } = await founder.get<View>('pacts.charter')
    const [invites, devices] = ['invites', 'devices'].map(name => charter.rules.find(({ plugin }) => plugin === name)!)
    const others = charter.rules.filter(rule => rule !== invites && rule !== devices)
    // Of a protocol that no indexer can run, so that it stays proposed.
    const proposal = { rules: [...others, { ...invites, protocol: 99 }], force: true }
    await founder.ask('pacts.amend', { rules: [...others], force: true })
    await founder.ask('pacts.amend', proposal)
    expect(await founder.get('pacts.enable_rules', { plugin: 'devices' })).toMatchObject({ state: 'proposed' })
    const { proposed } = await founder.get<{ proposed: View }>('pacts.charter')
    const both = expect.arrayContaining(['invites', 'devices'])
    expect(proposed.charter.rules.map(({ plugin }) => plugin)).toEqual(both)

    const named = await founder.get<View & { proposed: View }>('pacts.amend', { purpose: 'meanwhile' })
    expect(named.charter.purpose).toBe('meanwhile')
    expect(named.proposed.charter.rules.map(({ plugin }) => plugin)).toEqual(both)
    const stale = { base: named.hash, purpose: 'unaware of what is proposed' }
    expect(await code(founder.ask('pacts.amend', stale))).toBe('CHARTER_CONFLICT')
  })
})

it('plugins are listed with what they offer', async () => {
  const { entries } = await founder.get<{ entries: { name: string; state: string }[] }>('pacts.plugins')
  expect(entries.map(plugin => plugin.name)).toContain('pacts')
  expect(entries.every(plugin => plugin.state === 'active')).toBe(true)
})
