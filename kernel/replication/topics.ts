/** Every key and topic that is derived from a pact's keys, in one place, so that all machines derive the same. */
import crypto from 'hypercore-crypto'

// The order is part of the format: a new purpose goes at the end.
const [DOOR, JOIN, MEMBERS, TUNNEL, CHANNEL, STRANGERS, AGENT, PROOF] = crypto.namespace('openpact', 8) as Eight
type Eight = [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]

const [PACT] = crypto.namespace('openpact/pact-id', 1) as [Buffer]

/** 64 hex: names a pact without saying its key, so it is safe to show. */
export function pactId(pactKey: Buffer): string {
  return crypto.hash([PACT, pactKey]).toString('hex')
}

/** What an invite names: says nothing about the pact's own key. 32 bytes. */
export function doorKey(pactKey: Buffer): Buffer {
  return crypto.hash([DOOR, pactKey])
}

/** Where a newcomer knocks. 32 bytes. */
export function doorTopic(pactKey: Buffer): Buffer {
  return crypto.discoveryKey(doorKey(pactKey))
}

/** Where members find each other: only holders of both keys can compute it. 32 bytes. */
export function membersTopic(pactKey: Buffer, encryptionKey: Buffer): Buffer {
  return crypto.hash([MEMBERS, pactKey, encryptionKey])
}

/** What a device attests to when it asks for a seat: this writer core and this Noise key, for this pact only. 32 bytes. */
export function joinData(door: Buffer, writer: Buffer, noise: Buffer): Buffer {
  return crypto.hash([JOIN, door, writer, noise])
}

/** What an agent attests to when its key is registered in a pact. 32 bytes. */
export function agentData(door: Buffer, agent: Buffer): Buffer {
  return crypto.hash([AGENT, door, agent])
}

const purposes = { tunnel: TUNNEL, channel: CHANNEL, door: STRANGERS }

/**
 * Names something that two machines do over one connection. Who does not hold `secret` (an encryption key, a topic) can neither
 * compute it nor link it to another connection. 32 bytes.
 */
export function meetingId(
  purpose: keyof typeof purposes,
  secret: Buffer,
  handshakeHash: Buffer,
  name: string = '',
): Buffer {
  return crypto.hash([purposes[purpose], secret, handshakeHash, Buffer.from(name)])
}

/** Shows that one side of the connection holds `secret`. Differs per side, so that it cannot be sent back as one's own. 32 bytes. */
export function meetingProof(secret: Buffer, id: Buffer, initiator: boolean): Buffer {
  return crypto.hash([PROOF, secret, id, Buffer.from([initiator ? 1 : 0])])
}
