/**
 * The admission chain: how a member that was admitted while another slept shows that one, before replicating, that it belongs.
 * It is the `member.add` entries from itself up towards the creator. The sleeper looks for a link written by a member it knows and
 * follows the signatures down to the one who knocks.
 */

import { joinBlocks } from './carried.ts'
import type { LogRecord } from './entry.ts'
import { decodeEntry, jsonOf, verifyEntry } from './envelope.ts'
import { type Application, asApplication, provenBy } from './seats.ts'

const MAX_BYTES = 16 * 1024

interface Link {
  writer: Buffer
  bytes: Buffer
}

/** What building and judging a chain need of the ledger. */
export interface ChainSource {
  pactKey: Buffer
  door: Buffer
  /** Position of the entry that seated a writer (hex), by its prefix row; null when unknown. */
  seatedAt(writer: string): Promise<number | null>
  /** The record and the entry's bytes at a position; null when not on this machine. */
  recordAt(position: number): Promise<{ record: LogRecord; bytes: Buffer } | null>
  /** Whether writer and agent (hex) are seated together here. */
  knows(writer: string, agent: string): Promise<boolean>
  /** Whether identity, writer or Noise key (hex) were removed here. */
  removed(application: Application, identity: string): Promise<boolean>
}

/** Own chain, newest link last, cut at 16 KiB from the top. Empty for the creator, or while history is missing. */
export async function buildChain(writer: Buffer, source: ChainSource): Promise<Buffer> {
  const links: Buffer[] = []
  let size = 0
  let current = writer.toString('hex')
  for (let depth = 0; depth < 64; depth++) {
    const position = await source.seatedAt(current)
    if (position === null || position === 0) break
    const found = await source.recordAt(position)
    if (!found) break
    const link = Buffer.concat([found.record.writer, joinBlocks([found.bytes])])
    size += link.length
    if (size > MAX_BYTES) break
    links.unshift(link)
    current = found.record.writer.toString('hex')
  }
  return Buffer.concat(links)
}

/** Whether `chain` leads from a member known here to the device with this Noise key. Total. */
export async function chainVouches(chain: Buffer, noise: Buffer, source: ChainSource): Promise<boolean> {
  const links = split(chain)
  if (!links) return false
  let vouched: { writer: string; agent: string } | null = null
  let last: Application | null = null
  for (const { writer, bytes } of links) {
    const entry = decodeEntry(bytes)
    if (entry?.type !== 'member.add') return false
    const author = { writer: writer.toString('hex'), agent: entry.agent.toString('hex') }
    const trusted =
      (vouched?.writer === author.writer && vouched.agent === author.agent) ||
      (await source.knows(author.writer, author.agent))
    vouched = null
    if (!trusted || !verifyEntry(bytes, entry, source.pactKey, writer)) continue
    const application = asApplication(jsonOf(entry))
    const proven = application && provenBy(application, source.door)
    if (!application || !proven || typeof proven === 'string') continue
    if (await source.removed(application, proven.identity)) continue
    vouched = { writer: application.writer, agent: application.agent.key }
    last = application
  }
  return vouched !== null && last !== null && last.noise === noise.toString('hex')
}

function split(chain: Buffer): Link[] | null {
  if (chain.length > MAX_BYTES) return null
  const links: Link[] = []
  for (let at = 0; at < chain.length; ) {
    if (chain.length - at < 36) return null
    const writer = chain.subarray(at, at + 32)
    const length = chain.readUInt32BE(at + 32)
    at += 36
    if (length > chain.length - at) return null
    links.push({ writer, bytes: chain.subarray(at, at + length) })
    at += length
  }
  return links
}
