/** A channel for strangers who know a topic: the door that newcomers knock at. */
import { OpenPactError } from '../errors.ts'
import type { Network, StrangerChannel } from '../kernel.ts'
import type { Logger } from '../plugin.ts'
import type { PeerConnection } from './connection.ts'
import { guarded } from './hardened.ts'
import { Meeting } from './meeting.ts'

type DoorHandlers = Parameters<Network['door']>[2]

const MESSAGE_LIMIT = 1024

export class Door {
  readonly #protocol: string
  readonly #topic: Buffer
  readonly #handlers: DoorHandlers
  readonly #log: Logger
  readonly #meetings = new Map<PeerConnection, Meeting>()

  constructor(protocol: string, topic: Buffer, handlers: DoorHandlers, log: Logger) {
    this.#protocol = protocol
    this.#topic = topic
    this.#handlers = handlers
    this.#log = log
  }

  connect(peer: PeerConnection): void {
    const { limit = MESSAGE_LIMIT, onopen, onmessage, onclose } = this.#handlers
    const channel: StrangerChannel = {
      noise: peer.noise,
      send: message => {
        const size = message.byteLength
        if (size > limit) throw new OpenPactError('PAYLOAD_TOO_LARGE', { size, limit })
        return meeting.send(0, message)
      },
      close: () => meeting.close(),
    }
    const handle = (run: () => unknown) =>
      guarded(run, error => {
        this.#log.warn('a door was shut after a failure', { protocol: this.#protocol, error })
        meeting.close()
      })
    const meeting = new Meeting(peer, {
      purpose: 'door',
      protocol: this.#protocol,
      secret: this.#topic,
      messages: [{ limit, receive: message => handle(() => onmessage(message, channel)) }],
      opened: () => handle(() => onopen?.(channel)),
      closed: met => met && handle(() => onclose?.(channel)),
    })
    this.#meetings.set(peer, meeting)
    meeting.open()
  }

  disconnect(peer: PeerConnection): void {
    this.#meetings.get(peer)?.dispose()
    this.#meetings.delete(peer)
  }

  close(): void {
    for (const peer of [...this.#meetings.keys()]) this.disconnect(peer)
  }
}
