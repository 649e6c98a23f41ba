/**
 * The entry types that the kernel owns and judges itself, whatever plugins are loaded: the charter, seats, agents, indexers, ticks.
 * Every function here is consensus code: total on any payload, no clock, no randomness.
 */
import type { ApplyHost } from 'autobase'
import { isRecord, type RuleContext, type WritableRuleState } from '../rules.ts'
import { type CarriedAgent, type Followed, follow, splitBlocks, takeBlock } from './carried.ts'
import { amended, asCharter, type CharterRow, charterHash, quorum } from './charter.ts'
import { ACCEPTED, type LogRecord } from './entry.ts'
import { IMPORT } from './envelope.ts'
import { PLUGIN_FAULT, type RuleSet, refusalCode } from './rule-set.ts'
import * as seats from './seats.ts'
import { StateReadError, type StateWriter } from './state.ts'

export interface Author {
  writer: string
  seat: seats.Seat
  identity: seats.IdentityRow
  indexer: boolean
}

export interface Judging {
  state: StateWriter
  host: ApplyHost
  rules: RuleSet
  door: Buffer
  position: number
  row: CharterRow
  indexers: seats.IndexerRow
  /** Ledger time, ms. */
  time: number
  author: Author
  /** Whether a writer (hex) has an entry in the log. */
  hasWritten(writer: string): Promise<boolean>
  /** Records of an earlier pact that the entry carries over, for the log behind it. */
  carried: { block: Buffer; record: LogRecord; time: number }[]
  /** Context for a ruled plugin, with its own part of the state. */
  contextFor(plugin: string): Promise<RuleContext & { state: WritableRuleState }>
}

type Judge = (payload: unknown, j: Judging) => Promise<string>

const admin = (j: Judging) => j.author.identity.role === 'admin'

/** Judges the first entry. Answers ACCEPTED after seating the creator, or a refusal code. */
export async function foundPact(
  payload: unknown,
  signer: { writer: string; agent: string },
  j: Pick<Judging, 'state' | 'host' | 'door' | 'position'>,
): Promise<string> {
  const charter = isRecord(payload) ? asCharter(payload.charter) : null
  const application = seats.asApplication(payload)
  const refounds = isRecord(payload) && payload.refounds !== undefined ? asRefounded(payload.refounds) : undefined
  if (!charter || !application || refounds === null) return 'charter-invalid'
  if (application.writer !== signer.writer || application.agent.key !== signer.agent) return 'charter-invalid'
  const proven = seats.provenBy(application, j.door)
  if (typeof proven === 'string') return proven
  const row: CharterRow = { charter, hash: charterHash(charter), proposed: null }
  j.state.put('k/charter', row)
  if (refounds) j.state.put('k/refounded', refounds)
  j.state.put('k/indexers', { writers: [application.writer], floor: 0 } satisfies seats.IndexerRow)
  await seats.seat(j.state, j.host, application, proven, 'admin', j.position)
  await j.host.addWriter(Buffer.from(application.writer, 'hex'), { indexer: true })
  return ACCEPTED
}

const amend: Judge = async (payload, j) => {
  if (!admin(j)) return 'not-authorised'
  if (!isRecord(payload)) return 'payload-invalid'
  if (payload.base !== (j.row.proposed ?? j.row).hash) return 'charter-conflict'
  const next = amended(j.row, payload.change)
  if (!next) return 'charter-invalid'
  j.state.put('k/charter', next)
  return ACCEPTED
}

const ready: Judge = async (payload, j) => {
  if (!j.author.indexer) return 'not-authorised'
  const { proposed } = j.row
  if (!proposed || !isRecord(payload) || payload.proposal !== proposed.hash) return 'no-such-proposal'
  const who = [...new Set([...proposed.ready, j.author.writer])].filter(w => j.indexers.writers.includes(w))
  const row: CharterRow =
    who.length >= quorum(j.indexers.writers.length)
      ? { charter: proposed.charter, hash: proposed.hash, proposed: null }
      : { ...j.row, proposed: { ...proposed, ready: who } }
  j.state.put('k/charter', row)
  return ACCEPTED
}

const addMember: Judge = async (payload, j) => {
  const application = seats.asApplication(payload)
  if (!application || !isRecord(payload) || !isRecord(payload.via) || typeof payload.via.kind !== 'string')
    return 'payload-invalid'
  const proven = seats.provenBy(application, j.door)
  if (typeof proven === 'string') return proven
  const obstacle = await seats.hindrance(j.state, application, proven.identity)
  if (obstacle) return obstacle
  const { via } = payload
  const kind = payload.via.kind
  for (const { plugin } of j.row.charter.rules) {
    const verifier = j.rules.get(plugin)?.rules.admits?.[kind]
    if (!verifier) continue
    const context = await j.contextFor(plugin)
    const applicant = { identity: proven.identity, writer: application.writer, noise: application.noise }
    const role = await asPlugin(async () => {
      const verdict = await verifier.verify(applicant, via, context)
      if ('refuse' in verdict) return { refuse: refusalCode(verdict.refuse) }
      await verifier.admitted?.(applicant, via, context)
      return verdict.role === 'admin' || verdict.role === 'member' ? verdict.role : { refuse: PLUGIN_FAULT }
    })
    if (typeof role === 'object') return role.refuse
    await seats.seat(j.state, j.host, application, proven, role, j.position)
    return ACCEPTED
  }
  return 'unknown-proof-kind'
}

/** A verifier's own fault is a verdict, the same on every machine; what depends on this machine passes on. */
async function asPlugin<T>(run: () => Promise<T>): Promise<T | { refuse: string }> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof RangeError || error instanceof StateReadError) throw error
    return { refuse: PLUGIN_FAULT }
  }
}

const removeMember: Judge = async (payload, j) => {
  if (!isRecord(payload) || !seats.isHex(payload.identity)) return 'payload-invalid'
  const identity = payload.identity
  if (!admin(j) && j.author.seat.identity !== identity) return 'not-authorised'
  const row = await j.state.get<seats.IdentityRow>(`k/i/${identity}`)
  if (!row) return 'identity-unknown'
  const refusal = await keepsAnAdmin(identity, j)
  if (refusal) return refusal
  if (row.devices.some(d => j.indexers.writers.includes(d))) {
    const changed = await replaceIndexers(payload.indexers, j, row.devices)
    if (changed !== ACCEPTED) return changed === 'payload-invalid' ? 'indexers-needed' : changed
  }
  for (const writer of row.devices) await seats.unseat(j.state, j.host, writer)
  j.state.put(`k/ban/${identity}`, 1)
  return ACCEPTED
}

const retireDevice: Judge = async (payload, j) => {
  if (!isRecord(payload) || !seats.isHex(payload.writer)) return 'payload-invalid'
  const seat = await j.state.get<seats.Seat>(`k/m/${payload.writer}`)
  if (!seat) return 'device-unknown'
  if (seat.identity !== j.author.seat.identity) return 'not-authorised'
  if (payload.writer !== j.author.writer && seat.epoch > j.author.seat.epoch) return 'device-newer'
  if (j.author.identity.devices.length === 1) {
    const refusal = await keepsAnAdmin(seat.identity, j)
    if (refusal) return refusal
  }
  if (j.indexers.writers.includes(payload.writer)) {
    const changed = await replaceIndexers(payload.indexers, j, [payload.writer])
    if (changed !== ACCEPTED) return changed === 'payload-invalid' ? 'indexers-needed' : changed
  }
  await seats.unseat(j.state, j.host, payload.writer)
  return ACCEPTED
}

const setIndexers: Judge = async (payload, j) => {
  if (!admin(j)) return 'not-authorised'
  if (!isRecord(payload)) return 'payload-invalid'
  return replaceIndexers(payload.writers, j, [])
}

/** Replaces the indexer set whole: 1 or at least 3 seated writers, none of `leaving`. */
async function replaceIndexers(value: unknown, j: Judging, leaving: string[]): Promise<string> {
  if (!Array.isArray(value) || value.length > 32 || !value.every(seats.isHex)) return 'payload-invalid'
  const writers = [...new Set(value)].sort()
  if (writers.length !== value.length || writers.length === 2 || writers.length === 0) return 'indexer-set-size'
  for (const writer of writers)
    if (leaving.includes(writer) || !(await j.state.get(`k/m/${writer}`))) return 'indexer-not-seated'
  // Autobase cannot go on with a set whose cores are all empty.
  if (!(await anyWrote(writers, j))) return 'indexer-never-wrote'
  // Newcomers first: a set is never empty on the way.
  for (const writer of writers)
    if (!j.indexers.writers.includes(writer)) await j.host.addWriter(Buffer.from(writer, 'hex'), { indexer: true })
  for (const writer of j.indexers.writers)
    if (!writers.includes(writer)) await j.host.addWriter(Buffer.from(writer, 'hex'), { indexer: false })
  j.state.put('k/indexers', { writers, floor: j.time } satisfies seats.IndexerRow)
  return ACCEPTED
}

async function anyWrote(writers: string[], j: Judging): Promise<boolean> {
  for (const writer of writers) if (await j.hasWritten(writer)) return true
  return false
}

const grantAdmin: Judge = async (payload, j) => {
  if (!admin(j)) return 'not-authorised'
  if (!isRecord(payload) || !seats.isHex(payload.identity)) return 'payload-invalid'
  const row = await j.state.get<seats.IdentityRow>(`k/i/${payload.identity}`)
  if (!row) return 'identity-unknown'
  if (row.role === 'admin') return 'already'
  j.state.put(`k/i/${payload.identity}`, { ...row, role: 'admin' })
  await seats.setAdmin(j.state, payload.identity, true)
  return ACCEPTED
}

const revokeAdmin: Judge = async (payload, j) => {
  if (!admin(j)) return 'not-authorised'
  if (!isRecord(payload) || !seats.isHex(payload.identity)) return 'payload-invalid'
  const row = await j.state.get<seats.IdentityRow>(`k/i/${payload.identity}`)
  if (row?.role !== 'admin') return 'identity-unknown'
  const refusal = await keepsAnAdmin(payload.identity, j)
  if (refusal) return refusal
  j.state.put(`k/i/${payload.identity}`, { ...row, role: 'member' })
  return ACCEPTED
}

const addAgent: Judge = async (payload, j) => {
  const agent = seats.asAgent(payload)
  if (!agent) return 'payload-invalid'
  const proven = seats.agentProvenBy(agent, j.door)
  if (proven?.identity !== j.author.seat.identity) return 'bad-agent-proof'
  const device = await j.state.get<string>(`k/x/${proven.device}`)
  const seat = device && (await j.state.get<seats.Seat>(`k/m/${device}`))
  if (!seat || seat.identity !== proven.identity) return 'bad-agent-proof'
  const known = await j.state.get<seats.AgentRow>(`k/a/${agent.key}`)
  if (known) return known.identity === proven.identity && !known.revoked ? 'already' : 'agent-taken'
  const row: seats.AgentRow = { identity: proven.identity, name: agent.name, device: proven.device, revoked: false }
  if (agent.label !== undefined) row.label = agent.label
  j.state.put(`k/a/${agent.key}`, row)
  return ACCEPTED
}

const revokeAgent: Judge = async (payload, j) => {
  if (!isRecord(payload) || !seats.isHex(payload.key)) return 'payload-invalid'
  const row = await j.state.get<seats.AgentRow>(`k/a/${payload.key}`)
  if (!row || row.revoked) return 'agent-unknown'
  if (row.identity !== j.author.seat.identity) return 'not-authorised'
  j.state.put(`k/a/${payload.key}`, { ...row, revoked: true })
  return ACCEPTED
}

/** The log that this pact carries on, and how far it is here: kept in `k/refounded`. */
export interface RefoundedRow extends Followed {
  /** Chain at its end, hex. */
  chain: string
  length: number
}

function asRefounded(value: unknown): RefoundedRow | null {
  if (!isRecord(value)) return null
  const { key, chain, length } = value
  if (!seats.isHex(key) || !seats.isHex(chain) || !Number.isSafeInteger(length) || Number(length) < 1) return null
  return { ...follow(Buffer.from(key, 'hex')), chain, length: Number(length) }
}

/** The next records of the log that the charter names; all of them or none. */
const importRecords: Judge = async (payload, j) => {
  if (!admin(j)) return 'not-authorised'
  const log = await j.state.get<RefoundedRow>('k/refounded')
  if (!log) return 'nothing-to-import'
  const blocks = Buffer.isBuffer(payload) ? splitBlocks(payload) : null
  if (!blocks || blocks.length === 0) return 'payload-invalid'
  const agents = {
    get: (key: string) => j.state.get<CarriedAgent>(`k/c/${key}`),
    put: (key: string, agent: CarriedAgent) => j.state.put(`k/c/${key}`, agent),
  }
  for (const block of blocks) {
    if (log.done === log.length) return 'import-complete'
    const record = await takeBlock(log, agents, block)
    if (typeof record === 'string') return record
    if (log.done === log.length && log.at !== log.chain) return 'chain-broken'
    const prefix = `k/p/${record.writer.toString('hex', 0, 4)}`
    if (!(await j.state.get(prefix)))
      j.state.put(prefix, { writer: record.writer.toString('hex'), since: 0 } satisfies seats.PrefixRow)
    j.carried.push({ block, record, time: log.time })
  }
  j.state.put('k/refounded', log)
  return ACCEPTED
}

const tick: Judge = async (_payload, j) => (j.author.indexer ? ACCEPTED : 'not-authorised')

/** Refuses to take the rights of the last admin away: nobody could give them back. */
async function keepsAnAdmin(identity: string, j: Judging): Promise<string | undefined> {
  const row = await j.state.get<seats.IdentityRow>(`k/i/${identity}`)
  if (row?.role !== 'admin') return undefined
  return (await seats.setAdmin(j.state, identity, false)).length > 0 ? undefined : 'last-admin'
}

/** All kernel types but the charter, which is only ever the first entry. */
export const kernelJudges: ReadonlyMap<string, Judge> = new Map([
  ['pact.amend', amend],
  ['pact.ready', ready],
  ['pact.indexers', setIndexers],
  ['member.add', addMember],
  ['member.remove', removeMember],
  ['device.retire', retireDevice],
  ['admin.grant', grantAdmin],
  ['admin.revoke', revokeAdmin],
  ['agent.add', addAgent],
  ['agent.revoke', revokeAgent],
  [IMPORT, importRecords],
  ['tick', tick],
])

export const CHARTER = 'pact.charter'

export function isKernelType(type: string): boolean {
  return type === CHARTER || kernelJudges.has(type)
}
