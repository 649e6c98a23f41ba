/** What a user can do with agents: see who is there, give another program on this machine its own name, take it back. */
import { handleOf, isOpenPactError, OpenPactError, type Pact, Type } from '../../kernel/index.ts'
import { limitsOf, TokenLimits } from '../access/limits.ts'
import { ownerOnly } from '../access/permits.ts'
import { access } from '../access/service.ts'
import { ME, meant, ownAgentNamed } from '../operations/named-agent.ts'
import { operation } from '../operations/operation.ts'
import { roster } from './roster-service.ts'
import { presence } from './service.ts'

const Text = Type.String()
const OrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description })
const AgentName = Type.String({
  pattern: `^(?!${ME}$)[a-z0-9][a-z0-9-]{0,31}$`,
  title: `a name of 1 to 32 of a-z, 0-9 and -, not starting with -, other than "${ME}"`,
})

export const listAgents = operation({
  name: 'agents.list',
  summary: 'List the agents of a pact and which of them are online',
  http: 'GET /agents',
  access: 'read',
  input: Type.Object({}),
  output: Type.Array(
    Type.Object({
      handle: Text,
      name: Text,
      agent: Type.String({ description: 'Key, hex' }),
      identity: Type.String({ description: 'Key of the identity that owns it, hex' }),
      role: Type.Enum(['member', 'admin']),
      label: OrNull("What it is for, in its owner's word; it gives no rights"),
      online: Type.Boolean(),
      is_self: Type.Boolean({ description: 'The agent that asks' }),
      is_local: Type.Boolean({ description: 'Served by this machine' }),
      device: OrNull('Key of the machine where it was last seen, hex'),
      last_seen: OrNull('ISO 8601; null when not since the daemon started'),
    }),
  ),
  cli: { path: 'agents', columns: ['handle', 'online', 'is_self', 'role', 'label', 'identity', 'last_seen'] },
  mcp: {
    tool: 'list_agents',
    use: 'Use when you want to know who else works in this pact and who is online',
    idempotent: true,
  },
  run: async (_input, { pact, kernel, caller, use }) => {
    const [agents, seats] = await Promise.all([pact.agents(), pact.members()])
    const roles = new Map(seats.map(seat => [seat.identity, seat.role]))
    const local = new Map(kernel.identity.agents().map(({ key, name }) => [key.toString('hex'), name]))
    return agents.flatMap(agent => {
      const role = roles.get(agent.identity)
      // Agents of an identity that left or was removed stay in the ledger, for the sake of what they wrote.
      if (!role || agent.revoked) return []
      const seen = use(presence).sighting(pact, agent)
      return {
        handle: handleOf(agent.name, agent.key),
        name: agent.name,
        agent: agent.key,
        identity: agent.identity,
        role,
        label: agent.label,
        online: seen?.online ?? false,
        is_self: local.get(agent.key) === caller.agent,
        is_local: local.has(agent.key),
        device: seen?.device ?? null,
        last_seen: seen ? new Date(seen.last_seen).toISOString() : null,
      }
    })
  },
})

export const addAgent = operation({
  name: 'agents.add',
  summary: 'Give another program on this machine its own name, key and token',
  description: 'It is registered in every pact of this machine; limits hold for its token, which is shown once.',
  http: 'POST /agents',
  scope: 'daemon',
  access: 'admin',
  created: true,
  input: Type.Object({
    name: AgentName,
    label: Type.Optional({ ...AgentName, description: 'What it is for, e.g. reviewer; messages can be sent to it' }),
    ...TokenLimits,
  }),
  output: Type.Object({
    name: Text,
    handle: Text,
    agent: Text,
    token: Text,
    pacts: Type.Array(Type.Object({ id: Text, alias: Text, registered: Type.Boolean() })),
  }),
  errors: ['AGENT_EXISTS', 'PACT_UNKNOWN', 'OPERATION_UNKNOWN'],
  cli: {
    path: 'agent add',
    args: ['name'],
    after:
      'Give the token to that program and to nobody else; it is not shown again.\n' +
      'Over HTTP it goes into a header:\n' +
      '  curl -s {url}/v1/pacts -H "Authorization: Bearer {token}"\n' +
      'On the command line it goes into the environment; what is written then is signed as {handle}:\n' +
      '  OPENPACT_TOKEN={token} openpact list',
  },
  run: async ({ name, label, ...limits }, call) => {
    ownerOnly(call, 'manage agents')
    const limited = limitsOf(limits, call)
    const { key, handle } = await call.kernel.identity.createAgent(name)
    const agent = key.toString('hex')
    if (label !== undefined) call.use(roster).labels.set(name, label)
    const { token } = await call.use(access).issue({ agent: name, ...limited })
    const pacts = call.kernel.pacts.list()
    await Promise.all(pacts.map(pact => call.use(roster).changed(pact)))
    return { name, handle, agent, token, pacts: await Promise.all(pacts.map(pact => registration(pact, agent))) }
  },
})

export const revokeAgent = operation({
  name: 'agents.revoke',
  summary: 'Take the name, key and tokens of an agent of this machine back, in every pact',
  http: 'DELETE /agents/:name',
  scope: 'daemon',
  access: 'admin',
  input: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 80, description: 'Name, handle or key of an agent of this machine' }),
  }),
  output: Type.Object({ name: Text, agent: Text, revoked: Type.Literal(true) }),
  errors: ['AGENT_UNKNOWN', 'AGENT_IS_DEFAULT', 'AGENT_NOT_REVOKED'],
  cli: { path: 'agent revoke', args: ['name'] },
  run: async (input, call) => {
    ownerOnly(call, 'manage agents')
    const { identity, pacts } = call.kernel
    const { name, key: bytes } = ownAgentNamed(identity, meant(call, input.name))
    if (name === identity.defaultAgent.name) throw new OpenPactError('AGENT_IS_DEFAULT', { agent: name })
    const tokens = call.use(access)
    for (const { id, agent } of tokens.list()) if (agent === name) await tokens.revoke(id)
    const key = bytes.toString('hex')
    const failed: string[] = []
    for (const pact of pacts.list()) if (!(await revokedIn(pact, key))) failed.push(pact.alias)
    // The key stays as long as a pact still trusts it: without it nobody could repeat this.
    if (failed.length > 0) throw new OpenPactError('AGENT_NOT_REVOKED', { agent: name, pacts: failed.join(', ') })
    await identity.removeAgent(name)
    call.use(roster).labels.forget(name)
    await Promise.all(pacts.list().map(pact => call.use(roster).changed(pact)))
    return { name, agent: key, revoked: true as const }
  },
})

async function registration(pact: Pact, key: string) {
  const row = await pact.agentByKey(key)
  return { id: pact.id, alias: pact.alias, registered: row !== null && !row.revoked }
}

async function revokedIn(pact: Pact, key: string): Promise<boolean> {
  try {
    const row = await pact.agentByKey(key)
    if (row && !row.revoked) await pact.append([{ type: 'agent.revoke', payload: { key } }])
    return !row || ((await pact.agentByKey(key))?.revoked ?? true)
  } catch (error) {
    if (isOpenPactError(error)) return false
    throw error
  }
}
