import { expect, test } from 'vitest'
import { handleOf, type Identity, type LedgerAgent } from '../../kernel/index.ts'
import '../access/errors.ts'
import { agentNamed, meant, ownAgentNamed } from './named-agent.ts'

const agent = (name: string, letter: string, revoked = false): LedgerAgent => ({
  name,
  key: letter.repeat(64),
  identity: letter.repeat(64),
  label: null,
  revoked,
})
const agents = [agent('codex', 'a'), agent('codex', 'b'), agent('claude', 'c'), agent('old', 'd', true)]
const key = Buffer.from('c'.repeat(64), 'hex')
const call = {
  pact: { agents: async () => agents },
  caller: { agent: 'claude' },
  kernel: { identity: { agent: () => ({ name: 'claude', key, handle: 'claude-cccccc' }) } },
}
const [first, second] = agents.map(({ name, key }) => handleOf(name, key))

test('an agent of a pact is named by key, handle or name, and a wrong name is met with near ones', async () => {
  for (const text of ['claude', 'claude-cccccc', 'c'.repeat(64), 'me'])
    expect(await agentNamed(call, text)).toBe(agents[2])
  expect(await agentNamed(call, second as string)).toBe(agents[1])
  await expect(agentNamed(call, 'claud')).rejects.toMatchObject({
    code: 'AGENT_NOT_FOUND',
    help: expect.stringContaining('"claude"'),
  })
})

test('a name that several agents have means none of them: their handles are named', async () => {
  await expect(agentNamed(call, 'codex')).rejects.toMatchObject({
    code: 'AGENT_AMBIGUOUS',
    message: expect.stringContaining(`${first}, ${second}`),
  })
})

test('one of them that was revoked is shown as such', async () => {
  const again = { ...call, pact: { agents: async () => [...agents, agent('claude', 'e', true)] } }
  await expect(agentNamed(again, 'claude', { revoked: true })).rejects.toMatchObject({
    message: expect.stringContaining('claude-cccccc, claude-eeeeee (revoked)'),
  })
  // A name that others have too does not keep the caller from naming itself.
  expect(await agentNamed(again, 'me', { revoked: true })).toBe(agents[2])
})

test('a revoked agent is found only where its past is asked for', async () => {
  await expect(agentNamed(call, 'old-dddddd')).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
  expect(await agentNamed(call, 'old-dddddd', { revoked: true })).toBe(agents[3])
})

test('an agent of this machine is named by name, handle or key', () => {
  const own = { name: 'codex', key: Buffer.alloc(32, 0xaa), handle: 'codex-aaaaaa' }
  const identity = { agents: () => [own] } as unknown as Identity
  for (const text of ['codex', 'codex-aaaaaa', 'a'.repeat(64)]) expect(ownAgentNamed(identity, text)).toBe(own)
  expect(meant(call, 'me')).toBe('c'.repeat(64))
  expect(() => ownAgentNamed(identity, 'codec')).toThrow(expect.objectContaining({ code: 'AGENT_UNKNOWN' }))
})
