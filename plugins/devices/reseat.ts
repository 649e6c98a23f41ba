/**
 * After a power loss that took the end of its writer core for good, a machine asks a member over the pact's channel to seat it again with a
 * fresh one. Its identity attests the fresh core, and the rule of this plugin lets it in like any further device.
 */
import {
  ACCEPTED,
  type Application,
  asApplication,
  type Channel,
  type ChannelPeer,
  doorTopic,
  type Logger,
  type Pact,
  provenBy,
} from '../../kernel/index.ts'

/** ms until another member is asked. */
const ASK_AGAIN_MS = 5_000

export class Reseat {
  private readonly pact: Pact
  private readonly log: Logger
  private readonly channel: Channel
  /** By Noise key: the writer that a seat was written for. */
  private readonly written = new Map<string, string>()
  private timer: NodeJS.Timeout | null = null
  private asked = 0

  constructor(pact: Pact, log: Logger) {
    this.pact = pact
    this.log = log
    this.channel = pact.channel('devices', {
      onmessage: (message, peer) => void this.seat(message, peer),
      onpeer: () => this.ask(),
    })
  }

  /** Asks one member if this machine needs it, and the next one later. */
  ask(): void {
    this.timer ??= setTimeout(() => void this.askNow(), 0)
  }

  close(): void {
    if (this.timer) clearTimeout(this.timer)
    this.channel.close()
  }

  private async askNow(): Promise<void> {
    const application = await this.pact.reseating().catch(() => null)
    const peers = this.channel.peers()
    this.timer = null
    if (!application || peers.length === 0 || this.pact.closed) return
    peers[this.asked++ % peers.length]?.send(Buffer.from(JSON.stringify(application)))
    this.timer = setTimeout(() => void this.askNow(), ASK_AGAIN_MS).unref()
  }

  private async seat(message: Buffer, peer: ChannelPeer): Promise<void> {
    const application = applicationIn(message)
    if (!application || application.noise !== peer.noise || this.written.get(peer.noise) === application.writer) return
    const proven = provenBy(application, doorTopic(this.pact.key))
    try {
      const seat = await this.pact.memberByNoise(peer.noise)
      if (typeof proven === 'string' || !seat || seat.identity !== proven.identity || seat.indexer) return
      if (seat.writer === application.writer) return
      this.written.set(peer.noise, application.writer)
      const payload = { ...application, via: { kind: 'device' } }
      const [receipt] = await this.pact.append([{ type: 'member.add', payload }])
      if (receipt?.verdict !== ACCEPTED)
        this.log.warn('a device was not seated again', { pact: this.pact.alias, verdict: receipt?.verdict })
    } catch (error) {
      this.written.delete(peer.noise)
      this.log.debug('a device cannot be seated again from here', { pact: this.pact.alias, reason: String(error) })
    }
  }
}

/** Only the fields of an application; null when the message is none. */
function applicationIn(message: Buffer): Application | null {
  try {
    const application = asApplication(JSON.parse(message.toString()))
    if (!application) return null
    const { writer, noise, proof, agent } = application
    return { writer, noise, proof, agent: { key: agent.key, name: agent.name, proof: agent.proof } }
  } catch {
    return null
  }
}
