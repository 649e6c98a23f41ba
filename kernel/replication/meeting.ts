/** One thing that two machines do over one connection, once each has shown the other that it knows the secret behind it. */
import c from 'compact-encoding'
import type { Channel } from 'protomux'
import type { PeerConnection } from './connection.ts'
import { guarded } from './hardened.ts'
import { meetingId, meetingProof } from './topics.ts'

export interface MeetingOptions {
  purpose: Parameters<typeof meetingId>[0]
  protocol: string
  secret: Buffer
  name?: string
  /** Handlers by message number. A message above its limit (bytes), or a handler that fails, closes the meeting. */
  messages: { limit: number; receive(message: Buffer): void | Promise<void> }[]
  /** Whether to answer when the remote opens; yes by default. */
  answers?(): boolean
  opened?(): void
  /** @param met whether it had been open at all: false when the remote does not take part */
  closed?(met: boolean): void
  drained?(): void
}

const raw = c.raw as typeof c.raw & { decode(state: object): Buffer }

export class Meeting {
  readonly #peer: PeerConnection
  readonly #options: MeetingOptions
  readonly #id: Buffer
  #channel: Channel | null = null
  #met = false
  #disposed = false

  constructor(peer: PeerConnection, options: MeetingOptions) {
    this.#peer = peer
    this.#options = options
    this.#id = meetingId(options.purpose, options.secret, peer.handshakeHash, options.name)
    peer.mux.pair({ protocol: options.protocol, id: this.#id }, () => {
      if (options.answers?.() ?? true) this.open()
    })
  }

  /** Both sides are there and have shown that they know the secret. */
  get met(): boolean {
    return this.#met
  }

  /** Invites the remote, unless that is done already. */
  open(): void {
    if (this.#channel !== null || this.#disposed || this.#peer.closed) return
    const { protocol, secret, messages } = this.#options
    const safely = (run: () => unknown) => guarded(run, () => this.close())
    const channel = this.#peer.mux.createChannel({
      protocol,
      id: this.#id,
      handshake: raw,
      messages: messages.map(({ limit, receive }) => ({
        encoding: raw,
        onmessage: message => {
          if (!this.#met) return
          if (message.byteLength > limit) this.close()
          else safely(() => receive(message))
        },
      })),
      onopen: proof => safely(() => this.#greet(proof)),
      onclose: () => this.#ended(),
      ondrain: () => safely(() => this.#options.drained?.()),
    })
    if (channel === null) return
    this.#channel = channel
    channel.open(meetingProof(secret, this.#id, this.#peer.initiator))
  }

  /** @returns false when the connection wants no more for now, or the meeting is over */
  send(type: number, message: Buffer): boolean {
    return this.#met && (this.#channel?.messages[type]?.send(message) ?? false)
  }

  /** Ends it for now; the remote may open it again. */
  close(): void {
    this.#channel?.close()
  }

  /** Ends it for good. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#peer.mux.unpair({ protocol: this.#options.protocol, id: this.#id })
    this.close()
  }

  #greet(proof: unknown): void {
    const expected = meetingProof(this.#options.secret, this.#id, !this.#peer.initiator)
    this.#met = Buffer.isBuffer(proof) && expected.equals(proof)
    if (this.#met) this.#options.opened?.()
    else this.close()
  }

  #ended(): void {
    const met = this.#met
    this.#channel = null
    this.#met = false
    guarded(
      () => this.#options.closed?.(met),
      () => {},
    )
  }
}
