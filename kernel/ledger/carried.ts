/**
 * The log of a pact outside of it: in an archive, or carried over into the pact that carries it on. What can be verified without the
 * original cores is verified: that each record continues the chain, that the agent named in each entry signed it for that pact and
 * writer, and that an identity attested this agent in the same log. Verdicts and order are what the chain says; only who holds the
 * original log can compare them with it.
 */
import { doorTopic } from '../replication/topics.ts'
import { isRecord } from '../rules.ts'
import { ACCEPTED, type Entry, type LogRecord } from './entry.ts'
import { jsonOf, verifyEntry } from './envelope.ts'
import { entryBytesOf, nextChain, readForeign, ZERO } from './record.ts'
import { agentProvenBy, asAgent, asApplication, isHex, provenBy } from './seats.ts'

/** How far a log was followed. Small JSON, so that it can be kept in `state`. */
export interface Followed {
  /** Key of the pact, hex. */
  pact: string
  /** Chain so far, hex. */
  at: string
  /** Records so far. */
  done: number
  /** Ledger time so far, ms. */
  time: number
  /** Writers (hex) whose entries move ledger time. */
  indexers: string[]
}

export interface CarriedAgent {
  identity: string
  name: string
}

/** Agents (hex keys) attested so far. */
export interface CarriedAgents {
  get(key: string): Promise<CarriedAgent | null> | CarriedAgent | null
  put(key: string, agent: CarriedAgent): void
}

export function follow(pactKey: Buffer): Followed {
  return { pact: pactKey.toString('hex'), at: ZERO.toString('hex'), done: 0, time: 0, indexers: [] }
}

/** Verdicts given before a signature was looked at, or because of it. */
const unsigned = new Set(['bad-signature', 'no-charter'])

/**
 * Takes the next block of a log. Changes `log` and `agents` when it holds; else answers why not, as a refusal code.
 * Total and pure: it is part of apply.
 */
export async function takeBlock(log: Followed, agents: CarriedAgents, block: Buffer): Promise<LogRecord | string> {
  const record = readForeign(log.done, block)
  if (!record) return 'record-malformed'
  const { writer, n, hash, verdict, entry } = record
  if (!nextChain(Buffer.from(log.at, 'hex'), writer, n, hash, verdict).equals(record.chain)) return 'chain-broken'
  const pactKey = record.carried ?? Buffer.from(log.pact, 'hex')
  if (entry && !unsigned.has(verdict) && !verifyEntry(entryBytesOf(block), entry, pactKey, writer))
    return 'signature-invalid'
  if (entry && verdict === ACCEPTED) {
    const payload = naming.has(entry.type) ? jsonOf(entry) : undefined
    const attested = attestedBy(entry, payload, doorTopic(pactKey))
    if (attested) agents.put(attested.key, { identity: attested.identity, name: attested.name })
    if (!(await agents.get(entry.agent.toString('hex')))) return 'agent-unattested'
    if (!record.carried) keepTime(log, record, entry, payload)
  }
  log.at = record.chain.toString('hex')
  log.done++
  return record
}

const naming = new Set(['pact.charter', 'member.add', 'agent.add', 'pact.indexers'])

function attestedBy(entry: Entry, payload: unknown, door: Buffer) {
  if (entry.type === 'pact.charter' || entry.type === 'member.add') {
    const application = asApplication(payload)
    const proven = application && provenBy(application, door)
    if (!application || !proven || typeof proven === 'string') return null
    return { key: application.agent.key, name: application.agent.name, identity: proven.identity }
  }
  const agent = entry.type === 'agent.add' ? asAgent(payload) : null
  const proven = agent && agentProvenBy(agent, door)
  return agent && proven ? { key: agent.key, name: agent.name, identity: proven.identity } : null
}

function keepTime(log: Followed, { writer }: LogRecord, entry: Entry, payload: unknown): void {
  const from = writer.toString('hex')
  if (entry.type === 'pact.charter') log.indexers = [from]
  if (entry.type === 'pact.indexers' && isRecord(payload) && Array.isArray(payload.writers))
    log.indexers = payload.writers.filter(isHex)
  if (log.indexers.includes(from)) log.time = Math.max(log.time, entry.timestamp)
}

/** Several blocks as one buffer, each behind its length in 4 bytes. */
export function joinBlocks(blocks: readonly Buffer[]): Buffer {
  return Buffer.concat(
    blocks.flatMap(block => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(block.length)
      return [length, block]
    }),
  )
}

/** The way back; null when it is not such a buffer. Never throws. */
export function splitBlocks(bytes: Buffer): Buffer[] | null {
  const blocks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.length - at < 4 ? Number.POSITIVE_INFINITY : at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) return null
    blocks.push(bytes.subarray(at + 4, end))
    at = end
  }
  return blocks
}
