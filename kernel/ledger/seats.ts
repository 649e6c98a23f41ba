/**
 * Who sits where in the `state` view: writers, devices, identities, agents, bans. Keys:
 * `k/m/<writer>` seat · `k/x/<noise>` writer · `k/i/<identity>` identity · `k/a/<agent>` agent · `k/p/<8 hex>` writer that owns the prefix
 * of ids, for ever · `k/ban/<identity>` · `k/gone/<writer | noise>` · `k/indexers` the set and the floor of ledger time.
 */
import type { ApplyHost } from 'autobase'
import { verifyAgentProof, verifyDeviceProof } from '../identity/proof.ts'
import type { Identity } from '../kernel.ts'
import { agentData, joinData } from '../replication/topics.ts'
import { isRecord } from '../rules.ts'
import type { StateWriter } from './state.ts'

export interface Seat {
  identity: string
  noise: string
  epoch: number
  /** Position of the entry that seated it. */
  since: number
}
export interface IdentityRow {
  role: 'admin' | 'member'
  /** Writers, hex. */
  devices: string[]
}
export interface AgentRow {
  identity: string
  name: string
  /** Noise key of the device that vouched for it, hex. */
  device: string
  revoked: boolean
  /** What it is for, in its owner's word; absent when nothing was said. */
  label?: string
}
export interface IndexerRow {
  writers: string[]
  /** Ledger time when the set was last replaced; time never falls below it. */
  floor: number
}
export interface PrefixRow {
  writer: string
  since: number
}

/** `member.add` and the charter carry one of these: a device that asks for a seat. Hex keys, hex proofs. */
export interface Application {
  writer: string
  noise: string
  proof: string
  agent: { key: string; name: string; proof: string }
}

const hex32 = /^[0-9a-f]{64}$/
const hexProof = /^(?:[0-9a-f]{2}){1,400}$/
export const agentName = /^[a-z0-9][a-z0-9-]{0,31}$/

/** The value as an application, or null. Total. */
export function asApplication(value: unknown): Application | null {
  if (!isRecord(value)) return null
  const { writer, noise, proof, agent } = value
  const ok = isHex(writer) && isHex(noise) && isProof(proof) && isRecord(agent) && asAgent(agent) !== null
  return ok ? (value as unknown as Application) : null
}

/** The value as an agent with its proof, or null. Total. */
export function asAgent(value: unknown): { key: string; name: string; proof: string; label?: string } | null {
  if (!isRecord(value)) return null
  const { key, name, proof, label } = value
  const named = typeof name === 'string' && agentName.test(name)
  const labelled = label === undefined || (typeof label === 'string' && agentName.test(label))
  const ok = isHex(key) && isProof(proof) && named && labelled
  return ok ? (value as unknown as { key: string; name: string; proof: string; label?: string }) : null
}

export function isHex(value: unknown): value is string {
  return typeof value === 'string' && hex32.test(value)
}

function isProof(value: unknown): value is string {
  return typeof value === 'string' && hexProof.test(value)
}

/** This machine's application for a seat with a writer core: attested by its identity for this pact alone. */
export function applicationOf(identity: Identity, door: Buffer, writer: Buffer): Application {
  const agent = identity.defaultAgent
  return {
    writer: writer.toString('hex'),
    noise: identity.device.toString('hex'),
    proof: identity.attest(joinData(door, writer, identity.device)).toString('hex'),
    agent: {
      key: agent.key.toString('hex'),
      name: agent.name,
      proof: identity.attestAgent(agent.name, agentData(door, agent.key)).toString('hex'),
    },
  }
}

const bytes = (hex: string) => Buffer.from(hex, 'hex')

/** What the attestations in an application prove, or a refusal code. Reads nothing. */
export function provenBy(application: Application, door: Buffer): { identity: string; epoch: number } | string {
  const { writer, noise, proof, agent } = application
  const device = verifyDeviceProof(bytes(proof), joinData(door, bytes(writer), bytes(noise)), bytes(noise))
  if (!device) return 'bad-proof'
  const identity = device.identity.toString('hex')
  const vouched = agentProvenBy(agent, door)
  if (vouched?.identity !== identity || vouched.device !== noise) return 'bad-agent-proof'
  return { identity, epoch: device.epoch }
}

/** The identity and device (hex) that vouch for an agent's key, or null. */
export function agentProvenBy(
  agent: { key: string; proof: string },
  door: Buffer,
): { identity: string; device: string } | null {
  const proven = verifyAgentProof(bytes(agent.proof), agentData(door, bytes(agent.key)), bytes(agent.key))
  return proven && { identity: proven.identity.toString('hex'), device: proven.device.toString('hex') }
}

/** Why an application cannot be seated, whatever vouches for it; undefined when it can. */
export async function hindrance(state: StateWriter, a: Application, identity: string): Promise<string | undefined> {
  const seated = await state.get<Seat>(`k/m/${a.writer}`)
  if (seated) return seated.identity === identity ? 'already' : 'writer-taken'
  if (await state.get(`k/ban/${identity}`)) return 'banned'
  if (await state.get(`k/gone/${a.writer}`)) return 'writer-gone'
  if (await state.get(`k/gone/${a.noise}`)) return 'device-retired'
  const holder = await state.get<string>(`k/x/${a.noise}`)
  if (holder !== null && !(await canReseat(state, holder, identity))) return 'noise-taken'
  if (await state.get(`k/p/${a.writer.slice(0, 8)}`)) return 'prefix-collision'
  const agent = await state.get<AgentRow>(`k/a/${a.agent.key}`)
  if (agent && (agent.identity !== identity || agent.revoked)) return 'agent-taken'
  return undefined
}

/** A device that left and lost its store may take its own seat again with a fresh core, unless others need the old one to confirm. */
async function canReseat(state: StateWriter, holder: string, identity: string): Promise<boolean> {
  const held = await state.get<Seat>(`k/m/${holder}`)
  const indexers = await state.get<IndexerRow>('k/indexers')
  return held?.identity === identity && !indexers?.writers.includes(holder)
}

/** Gives a device its seat and makes its core a writer. A seat that the same device held before is given up for it. */
export async function seat(
  state: StateWriter,
  host: ApplyHost,
  a: Application,
  proven: { identity: string; epoch: number },
  role: 'admin' | 'member',
  since: number,
): Promise<void> {
  const { identity, epoch } = proven
  const row = await state.get<IdentityRow>(`k/i/${identity}`)
  const former = await state.get<string>(`k/x/${a.noise}`)
  if (former !== null) {
    await unseat(state, host, former)
    state.delete(`k/gone/${a.noise}`)
  }
  const devices = [...(row?.devices ?? []).filter(d => d !== former), a.writer]
  state.put(`k/m/${a.writer}`, { identity, noise: a.noise, epoch, since } satisfies Seat)
  state.put(`k/x/${a.noise}`, a.writer)
  state.put(`k/p/${a.writer.slice(0, 8)}`, { writer: a.writer, since } satisfies PrefixRow)
  state.put(`k/i/${identity}`, { role: row?.role ?? role, devices } satisfies IdentityRow)
  if (row === null && role === 'admin') await setAdmin(state, identity, true)
  state.put(`k/a/${a.agent.key}`, { identity, name: a.agent.name, device: a.noise, revoked: false } satisfies AgentRow)
  await host.addWriter(bytes(a.writer), { indexer: false })
}

/** Keeps the list of admins (`k/admins`), because "is there another one" must not cost a scan. Answers the new list. */
export async function setAdmin(state: StateWriter, identity: string, is: boolean): Promise<string[]> {
  const admins = ((await state.get<string[]>('k/admins')) ?? []).filter(a => a !== identity)
  const next = is ? [...admins, identity] : admins
  state.put('k/admins', next)
  return next
}

/** Takes a device's seat away for good: neither its core nor its Noise key can come back. */
export async function unseat(state: StateWriter, host: ApplyHost, writer: string): Promise<void> {
  const row = await state.get<Seat>(`k/m/${writer}`)
  if (!row) return
  state.delete(`k/m/${writer}`)
  state.delete(`k/x/${row.noise}`)
  state.put(`k/gone/${writer}`, 1)
  state.put(`k/gone/${row.noise}`, 1)
  const identity = await state.get<IdentityRow>(`k/i/${row.identity}`)
  if (identity) {
    const devices = identity.devices.filter(d => d !== writer)
    if (devices.length > 0) state.put(`k/i/${row.identity}`, { ...identity, devices })
    else state.delete(`k/i/${row.identity}`)
  }
  const key = bytes(writer)
  if (host.removeable(key)) await host.removeWriter(key)
}
