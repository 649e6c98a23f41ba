import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually, type Machine, Network } from '../../test/support/network.ts'
import { access } from '../access/service.ts'

interface AgentLine {
  handle: string
  name: string
  agent: string
  online: boolean
  is_self: boolean
  is_local: boolean
  role: string
  label: string | null
  device: string | null
  last_seen: string | null
}
interface Added {
  handle: string
  agent: string
  token: string
  pacts: { registered: boolean }[]
}

let net: Network
let founder: Machine
beforeEach(async () => {
  net = await Network.open()
  founder = await net.founder()
})
afterEach(() => net.close())

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error: { code: string }) => error.code,
  )
const list = (machine: Machine) => machine.get<AgentLine[]>('agents.list')
const of = (agents: AgentLine[], handle: string) => agents.find(agent => agent.handle === handle)

describe('agents', () => {
  it('are a bare list that says who is online here and elsewhere, and who is not any more', async () => {
    const member = await net.member(founder)
    const { handle } = founder.kernel.identity.defaultAgent
    const there = member.kernel.identity.defaultAgent.handle
    for (const [machine, self] of [[founder, handle] as const, [member, there] as const]) {
      await eventually(async () => (await list(machine)).filter(agent => agent.online).length === 2)
      const agents = await list(machine)
      expect(Array.isArray(agents)).toBe(true)
      expect(agents.filter(agent => agent.is_self).map(agent => agent.handle)).toEqual([self])
      expect(agents.filter(agent => agent.is_local).map(agent => agent.handle)).toEqual([self])
    }
    expect(of(await list(founder), there)).toMatchObject({
      role: 'member',
      agent: member.kernel.identity.defaultAgent.key.toString('hex'),
      device: member.kernel.identity.device.toString('hex'),
    })
    await eventually(async () => (await list(founder)).every(agent => agent.last_seen !== null))
    await member.stop()
    await eventually(async () => of(await list(founder), there)?.online === false)
    expect(of(await list(founder), there)?.last_seen).not.toBeNull()
  })

  it('are added with a key and a token of their own, known in every pact, here and elsewhere', async () => {
    await founder.ask('pacts.create', { name: 'other' })
    const member = await net.member(founder)
    const limits = { pacts: ['other'], operations: ['pacts.*'], access: 'write', lifetime: 60_000 }
    const added = await founder.get<Added>('agents.add', { name: 'codex', label: 'reviewer', ...limits })
    expect(added.handle).toMatch(/^codex-[0-9a-f]{6}$/)
    expect(added.pacts.map(pact => pact.registered)).toEqual([true, true])
    const caller = { agent: 'codex', access: 'write', operations: ['pacts.*'] }
    expect(founder.kernel.use(access).identify(added.token)).toMatchObject(caller)
    expect(founder.kernel.use(access).identify(added.token)?.pacts).toHaveLength(1)
    await eventually(async () => of(await list(member), added.handle)?.online)
    expect(of(await list(member), added.handle)?.label).toBe('reviewer')
    expect(of(await list(member), founder.kernel.identity.defaultAgent.handle)?.label).toBeNull()
    const astray = { name: 'astray', operations: ['pactz.*'] }
    expect(await code(founder.ask('agents.add', astray))).toBe('OPERATION_UNKNOWN')
    expect(founder.kernel.identity.agent('astray')).toBeNull()
    const [receipt] = await founder
      .pact()
      .append([{ type: 'invite.revoke', payload: { id: '0'.repeat(64) } }], { agent: 'codex' })
    expect(receipt?.verdict).toBe('invite-unknown')
    expect(await code(founder.ask('agents.add', { name: 'codex' }))).toBe('AGENT_EXISTS')
    // `me` is whoever asks.
    for (const name of ['No Good', 'me']) expect(await code(founder.ask('agents.add', { name }))).toBe('INVALID_INPUT')
    expect(await code(founder.ask('agents.revoke', { name: 'me' }))).toBe('AGENT_IS_DEFAULT')
  })

  it('that were there before are registered in a pact that is joined later', async () => {
    const newcomer = await net.machine()
    const { handle } = await newcomer.get<Added>('agents.add', { name: 'cron' })
    const { token } = await founder.get<{ token: string }>('invites.create')
    await newcomer.ask('pacts.join', { token, alias: 'test' })
    await eventually(async () => of(await list(founder), handle)?.online)
  })

  it('are revoked everywhere: name, key and tokens', async () => {
    const member = await net.member(founder)
    const added = await founder.get<Added>('agents.add', { name: 'codex' })
    await eventually(async () => of(await list(member), added.handle))
    expect(await founder.get('agents.revoke', { name: added.handle })).toMatchObject({ name: 'codex' })
    expect(founder.kernel.use(access).identify(added.token)).toBeNull()
    expect(founder.kernel.identity.agent('codex')).toBeNull()
    await eventually(async () => !of(await list(member), added.handle))
    expect((await founder.pact().agentByKey(added.agent))?.revoked).toBe(true)
    expect(await code(founder.ask('agents.revoke', { name: 'codex' }))).toBe('AGENT_UNKNOWN')
    expect(await code(founder.ask('agents.revoke', { name: founder.kernel.identity.defaultAgent.name }))).toBe(
      'AGENT_IS_DEFAULT',
    )
    const again = await founder.get<Added>('agents.add', { name: 'codex' })
    expect(again.agent).not.toBe(added.agent)
    expect(again.pacts.map(pact => pact.registered)).toEqual([true])
  })

  it('of a removed member are no longer listed', async () => {
    const member = await net.member(founder)
    await eventually(async () => (await list(founder)).length === 2)
    await founder.ask('pacts.remove', { member: member.kernel.identity.defaultAgent.handle })
    expect(await list(founder)).toHaveLength(1)
  })
})
