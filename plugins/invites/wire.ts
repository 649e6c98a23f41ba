/**
 * What is said at the door: three binary messages of at most 1 KiB, the first byte says which. Decoders are total: they answer
 * null for anything else, because a throw in a handler of the transport would end the process.
 */
import { type Application, asApplication } from '../../kernel/index.ts'

export const DOOR_PROTOCOL = 'openpact/door/1'
export const MAX_MESSAGE = 1024
const MAX_WORDS = 600
const MAX_NAME = 128

const KNOCK = 0
const STATUS = 1
const WELCOME = 2
/** type 1 ‖ kind 1 ‖ identity 32 ‖ writer 32 ‖ agent 32; the parts of varying size follow. */
const FIXED = 98

/** How a member answers a knock. The order is the wire's: new ones go at the end. */
export const doorStatuses = ['pending', 'unknown', 'spent', 'expired', 'revoked', 'refused'] as const
export type DoorStatus = (typeof doorStatuses)[number]

/** Who wants in, with everything that the ledger needs to judge it. */
export interface Knock {
  /** Which `AdmissionKind` the evidence is of. */
  kind: number
  evidence: Buffer
  /** Hex. */
  identity: string
  /** The Noise key in it is the connection's own and is not sent. */
  application: Application
}

/** The way into the pact: said only to a Noise key that has its confirmed seat. */
export interface Welcome {
  key: Buffer
  encryptionKey: Buffer
  name: string
}

/** What a member says. */
export type DoorAnswer = { status: DoorStatus; words: string } | { welcome: Welcome }

export function encodeKnock({ kind, evidence, identity, application }: Knock): Buffer {
  const { writer, proof, agent } = application
  const name = Buffer.from(agent.name)
  return Buffer.concat([
    Buffer.from([KNOCK, kind]),
    ...[identity, writer, agent.key].map(hex => Buffer.from(hex, 'hex')),
    ...[evidence, Buffer.from(proof, 'hex'), Buffer.from(agent.proof, 'hex'), name].flatMap(part => [size(part), part]),
  ])
}

/**
 * Null for anything that is not exactly one well-formed knock.
 * @param noise the remote's key, as the connection's handshake proved it
 */
export function decodeKnock(message: Buffer, noise: Buffer): Knock | null {
  if (message.byteLength > MAX_MESSAGE || message.byteLength < FIXED || message[0] !== KNOCK) return null
  const parts = split(message.subarray(FIXED))
  const [evidence, proof, agentProof, name] = parts ?? []
  if (parts?.length !== 4 || !evidence || !proof || !agentProof || !name) return null
  const application = asApplication({
    writer: message.toString('hex', 34, 66),
    noise: noise.toString('hex'),
    proof: proof.toString('hex'),
    agent: { key: message.toString('hex', 66, 98), name: name.toString('utf8'), proof: agentProof.toString('hex') },
  })
  const kind = message[1] as number
  return application && { kind, evidence, identity: message.toString('hex', 2, 34), application }
}

export function encodeStatus(status: DoorStatus, words: string): Buffer {
  return Buffer.concat([Buffer.from([STATUS, doorStatuses.indexOf(status)]), cut(words, MAX_WORDS)])
}

export function encodeWelcome(welcome: Welcome): Buffer {
  return Buffer.concat([Buffer.from([WELCOME]), welcome.key, welcome.encryptionKey, cut(welcome.name, MAX_NAME)])
}

/** Null for anything that is not exactly one answer. Text of a stranger comes out without control characters. */
export function decodeAnswer(message: Buffer): DoorAnswer | null {
  if (message.byteLength > MAX_MESSAGE) return null
  if (message[0] === STATUS) {
    const status = doorStatuses[message[1] ?? 255]
    return status ? { status, words: plain(message.subarray(2, 2 + MAX_WORDS)) } : null
  }
  if (message[0] === WELCOME && message.byteLength >= 65) {
    const name = plain(message.subarray(65, 65 + MAX_NAME))
    return {
      welcome: {
        key: Buffer.from(message.subarray(1, 33)),
        encryptionKey: Buffer.from(message.subarray(33, 65)),
        name,
      },
    }
  }
  return null
}

/** Parts with their length before each, or null when they do not fill the bytes exactly. Copies: the transport reuses its memory. */
function split(bytes: Buffer): Buffer[] | null {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    if (bytes.byteLength - at < 2) return null
    const length = bytes.readUInt16BE(at)
    at += 2
    if (bytes.byteLength - at < length) return null
    parts.push(Buffer.from(bytes.subarray(at, at + length)))
    at += length
  }
  return parts
}

function size(part: Buffer): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(part.byteLength)
  return bytes
}

function cut(text: string, limit: number): Buffer {
  let end = text.length
  while (Buffer.byteLength(text.slice(0, end)) > limit) end--
  return Buffer.from(text.slice(0, end))
}

function plain(utf8: Buffer): string {
  return utf8
    .toString('utf8')
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
}
