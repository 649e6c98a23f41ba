/** An ephemeral channel: messages between the members of a pact that are connected right now, kept nowhere. */
import { OpenPactError } from '../errors.ts'
import type { Channel, ChannelHandlers, ChannelPeer } from '../pact.ts'
import type { Logger } from '../plugin.ts'
import type { PeerConnection } from './connection.ts'
import { guarded } from './hardened.ts'
import { Meeting } from './meeting.ts'
import type { Replicated } from './replicated.ts'

const MESSAGE_LIMIT = 64 * 1024

export class EphemeralChannel implements Channel {
  readonly #pact: Replicated
  readonly #name: string
  readonly #handlers: ChannelHandlers
  readonly #closed: () => void
  readonly #log: Logger
  readonly #meetings = new Map<PeerConnection, Meeting>()

  constructor(pact: Replicated, name: string, handlers: ChannelHandlers, closed: () => void, log: Logger) {
    this.#pact = pact
    this.#name = name
    this.#handlers = handlers
    this.#closed = closed
    this.#log = log
  }

  /** The pact's tunnel on this connection is open: only then does the channel exist there. */
  attach(peer: PeerConnection): void {
    const meeting = new Meeting(peer, {
      purpose: 'channel',
      protocol: 'openpact/channel/1',
      secret: this.#pact.encryptionKey,
      name: this.#name,
      messages: [
        {
          limit: MESSAGE_LIMIT,
          receive: message => this.#tell(() => this.#handlers.onmessage(message, this.#peer(peer, meeting))),
        },
      ],
      opened: () => this.#tell(() => this.#handlers.onpeer?.(this.#peer(peer, meeting))),
    })
    this.#meetings.set(peer, meeting)
    meeting.open()
  }

  detach(peer: PeerConnection): void {
    this.#meetings.get(peer)?.dispose()
    this.#meetings.delete(peer)
  }

  peers(): ChannelPeer[] {
    return [...this.#meetings].filter(([, meeting]) => meeting.met).map(([peer, meeting]) => this.#peer(peer, meeting))
  }

  /** @throws OpenPactError PAYLOAD_TOO_LARGE above 64 KiB */
  broadcast(message: Buffer): void {
    for (const meeting of this.#meetings.values()) send(meeting, message)
  }

  close(): void {
    for (const peer of [...this.#meetings.keys()]) this.detach(peer)
    this.#closed()
  }

  #peer(peer: PeerConnection, meeting: Meeting): ChannelPeer {
    return {
      noise: peer.noise.toString('hex'),
      identity: this.#pact.identityOf(peer.noise),
      send: message => send(meeting, message),
    }
  }

  /** A plugin that cannot digest one message keeps its channel. */
  #tell(run: () => void): void {
    guarded(run, error => this.#log.warn('a channel message was dropped', { channel: this.#name, error }))
  }
}

function send(meeting: Meeting, message: Buffer): boolean {
  const size = message.byteLength
  if (size > MESSAGE_LIMIT) throw new OpenPactError('PAYLOAD_TOO_LARGE', { size, limit: MESSAGE_LIMIT })
  return meeting.send(0, message)
}
