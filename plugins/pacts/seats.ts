/** Members for people: identities with their devices and agents, and how a typed name becomes a seat. */
import { handleOf, type LedgerAgent, type Member, OpenPactError, type Pact } from '../../kernel/index.ts'
import { agentNamed } from '../operations/named-agent.ts'
import type { Call } from '../operations/operation.ts'

export interface MemberView {
  /** Hex. */
  identity: string
  role: 'member' | 'admin'
  is_self: boolean
  online: boolean
  devices: { writer: string; noise: string; indexer: boolean; online: boolean; since: number }[]
  agents: { handle: string; name: string; agent: string; revoked: boolean }[]
}

/** Every identity that has a seat, in the order of their first seats. */
export async function membersOf(pact: Pact, self: string): Promise<MemberView[]> {
  const [seats, agents, status] = await Promise.all([pact.members(), pact.agents(), pact.status()])
  const connected = new Set(status.peers.filter(peer => peer.tunnel).map(peer => peer.noise))
  const own = pact.writer.toString('hex')
  const views = new Map<string, MemberView>()
  for (const seat of [...seats].sort((a, b) => a.since - b.since)) {
    const { identity, role, writer, noise, indexer, since } = seat
    const online = writer === own || connected.has(noise)
    const view = views.get(identity) ?? {
      identity,
      role,
      is_self: identity === self,
      online: false,
      devices: [],
      agents: agents.filter(agent => agent.identity === identity).map(agentView),
    }
    view.devices.push({ writer, noise, indexer, online, since })
    view.online ||= online
    views.set(identity, view)
  }
  return [...views.values()]
}

function agentView(agent: LedgerAgent) {
  return { handle: handleOf(agent.name, agent.key), name: agent.name, agent: agent.key, revoked: agent.revoked }
}

/**
 * The identity (hex) that a name means: its own beginning, a writer's, or an agent's name, handle or key, or `me`.
 * @throws OpenPactError MEMBER_UNKNOWN, AGENT_AMBIGUOUS
 */
export async function identityNamed(call: Call, name: string): Promise<string> {
  const seats = await call.pact.members()
  const found = await seatsNamed(call, seats, name)
  if (found[0]) return found[0].identity
  throw new OpenPactError('MEMBER_UNKNOWN', { agent: name, near: '' })
}

/**
 * The writers (hex) that names mean.
 * @throws OpenPactError MEMBER_UNKNOWN, MEMBER_AMBIGUOUS when a handle or identity has several devices
 */
export async function writersNamed(call: Call, names: readonly string[]): Promise<string[]> {
  const seats = await call.pact.members()
  const writers: string[] = []
  for (const name of names) {
    const found = await seatsNamed(call, seats, name)
    const [seat] = found
    if (!seat) throw new OpenPactError('MEMBER_UNKNOWN', { agent: name, near: '' })
    if (found.length > 1) {
      const devices = found.map(each => each.writer.slice(0, 8)).join(', ')
      throw new OpenPactError('MEMBER_AMBIGUOUS', { member: name, devices })
    }
    writers.push(seat.writer)
  }
  return writers
}

/** Whether this machine has the rights of an admin in a pact. */
export async function isAdmin(pact: Pact): Promise<boolean> {
  const own = pact.writer.toString('hex')
  return (await pact.members()).some(({ writer, role }) => writer === own && role === 'admin')
}

async function seatsNamed(call: Call, seats: Member[], name: string): Promise<Member[]> {
  if (/^[0-9a-f]{8,64}$/.test(name)) {
    const byWriter = seats.filter(seat => seat.writer.startsWith(name))
    if (byWriter.length > 0) return byWriter
    const byIdentity = seats.filter(seat => seat.identity.startsWith(name))
    if (byIdentity.length > 0)
      return byIdentity.every(seat => seat.identity === byIdentity[0]?.identity) ? byIdentity : []
  }
  const agent = await agentNamed(call, name, { unknown: 'MEMBER_UNKNOWN' })
  return seats.filter(seat => seat.identity === agent.identity)
}
