/**
 * A member's side of the door of one pact: hears newcomers, writes `member.add`, and gives the pact's keys to a Noise key only
 * once its seat stands in the confirmed state. No key is in any reply before that, so a copied request is worth nothing.
 */

import type { StrangerChannel } from '../../kernel/index.ts'
import {
  ACCEPTED,
  doorTopic,
  isOpenPactError,
  type Logger,
  type Network,
  type Pact,
  provenBy,
} from '../../kernel/index.ts'
import type { Applicant } from '../../kernel/rules.ts'
import type { AdmissionKind } from './service.ts'
import { DOOR_PROTOCOL, type DoorStatus, decodeKnock, encodeStatus, encodeWelcome, type Knock } from './wire.ts'

/** Bounds on strangers beside the transport's own (bytes, time, number of connections). */
const MAX_GUESTS = 64
/** Knocks that one connection may make at once, and one more each second. */
const KNOCKS = 8
const MAX_ENTRIES_PER_MINUTE = 60
const MAX_REMEMBERED = 1000
const RECHECK_MS = 25

const BY_VERDICT: Record<string, DoorStatus> = {
  'invite-spent': 'spent',
  'invite-expired': 'expired',
  'invite-revoked': 'revoked',
}
/** For the newcomer, who is not the one that was removed. */
const REMOVED =
  'the member that was reached was itself removed from the pact, and lets nobody in; another member may, or ask one for a new invite'
const CLOSED = new Set<DoorStatus>(Object.values(BY_VERDICT))
const WORDS: Record<string, string> = {
  banned: 'this identity was removed from the pact',
  'writer-gone': 'this device was retired from the pact',
  'device-retired': 'this device was retired from the pact',
  'noise-taken': 'this device has a seat already and the pact still needs its old store',
  'unknown-proof-kind': 'the charter of the pact does not allow this way in',
}

interface Guest {
  channel: StrangerChannel
  knock: Knock | null
  since: number
  knocks: number
  queued: boolean
  /** It asked and is owed an answer, even the same one again. */
  asked: boolean
  said: string
}

type Reply = { status: DoorStatus; words: string } | 'welcome'

export class Door {
  private readonly pact: Pact
  private readonly kinds: ReadonlyMap<number, AdmissionKind>
  private readonly log: Logger
  private readonly topic: Buffer
  private readonly undo: (() => unknown)[]
  private readonly guests = new Map<StrangerChannel, Guest>()
  /** Own `member.add` entries by the writer they ask a seat for. */
  private readonly entries = new Map<string, string>()
  /** Newcomers are judged one after the other: a second one sees what the first one took. */
  private tail: Promise<void> = Promise.resolve()
  private recent: number[] = []
  private timer: NodeJS.Timeout | null = null
  private closed = false

  constructor(pact: Pact, kinds: ReadonlyMap<number, AdmissionKind>, network: Network, log: Logger) {
    this.pact = pact
    this.kinds = kinds
    this.log = log
    this.topic = doorTopic(pact.key)
    this.undo = [
      network.announce(this.topic, { server: true, client: false }),
      network.door(DOOR_PROTOCOL, this.topic, {
        onopen: channel => this.onopen(channel),
        onmessage: (message, channel) => this.onmessage(message, channel),
        onclose: channel => void this.guests.delete(channel),
      }),
    ]
  }

  /** Membership may have changed: whoever waits may be answered now. */
  recheck(): void {
    if (this.timer || this.closed || this.guests.size === 0) return
    this.timer = setTimeout(() => {
      this.timer = null
      for (const guest of this.guests.values()) if (guest.knock) this.enqueue(guest)
    }, RECHECK_MS)
  }

  /** Ends with the answer that is being made, if any: it may be writing. */
  async close(): Promise<void> {
    this.closed = true
    if (this.timer) clearTimeout(this.timer)
    for (const guest of this.guests.values()) guest.channel.close()
    this.guests.clear()
    await Promise.all(this.undo.map(undo => undo()))
    await this.tail
  }

  private onopen(channel: StrangerChannel): void {
    if (this.closed || this.guests.size >= MAX_GUESTS) channel.close()
    else
      this.guests.set(channel, {
        channel,
        since: Date.now(),
        knock: null,
        knocks: 0,
        queued: false,
        asked: false,
        said: '',
      })
  }

  private onmessage(message: Buffer, channel: StrangerChannel): void {
    const guest = this.guests.get(channel)
    const knock = guest && decodeKnock(message, channel.noise)
    if (!guest || !knock || ++guest.knocks > KNOCKS + (Date.now() - guest.since) / 1000) {
      channel.close()
      return
    }
    guest.knock = knock
    guest.asked = true
    this.enqueue(guest)
  }

  private enqueue(guest: Guest): void {
    if (guest.queued) return
    guest.queued = true
    this.tail = this.tail.then(() => this.serve(guest))
  }

  private async serve(guest: Guest): Promise<void> {
    guest.queued = false
    const { knock, channel, asked } = guest
    if (!knock || this.closed || this.guests.get(channel) !== guest) return
    guest.asked = false
    const message = await this.reply(knock)
    const text = message.toString('hex')
    if (this.closed || this.guests.get(channel) !== guest || (!asked && text === guest.said)) return
    guest.said = text
    channel.send(message)
  }

  /** Never throws: whoever comes next must be served too. */
  private async reply(knock: Knock): Promise<Buffer> {
    try {
      const answer = await this.answer(knock)
      return answer === 'welcome' ? await this.welcome() : encodeStatus(answer.status, answer.words)
    } catch (error) {
      this.log.warn('a newcomer could not be answered', { pact: this.pact.alias, error: String(error) })
      const why = isOpenPactError(error) ? `: ${error.message}` : ''
      return encodeStatus('pending', `the member that was reached cannot admit now${why}`)
    }
  }

  /** The one place that decides; it may write one entry per newcomer. */
  private async answer({ kind: code, evidence, identity, application }: Knock): Promise<Reply> {
    if (await this.pact.removal()) return { status: 'pending', words: REMOVED }
    const { writer, noise } = application
    const applicant: Applicant = { writer, noise, identity }
    const seated = await this.seatOf(applicant)
    if (seated) return seated
    const before = this.ownVerdict(writer)
    if (before) return before

    const kind = this.kinds.get(code)
    if (!kind) return { status: 'refused', words: 'this member does not know this way in' }
    const examined = await kind.examine(evidence, applicant, this.pact, 'applied', Date.now())
    if ('refuse' in examined) {
      const { refuse: status, words } = examined
      if (!CLOSED.has(status)) return { status, words }
      // An invite may be closed only in this machine's unconfirmed view.
      const settled = await kind.examine(evidence, applicant, this.pact, 'confirmed', Date.now())
      return 'refuse' in settled && settled.refuse === status ? { status, words } : this.pending()
    }
    const proven = provenBy(application, this.topic)
    if (typeof proven === 'string' || proven.identity !== identity) {
      return { status: 'refused', words: 'the attestation does not fit this machine' }
    }
    if (!this.mayWrite()) return { status: 'pending', words: 'too many newcomers at once; asked again shortly' }
    const [receipt] = await this.pact.append([{ type: 'member.add', payload: { ...application, via: examined.via } }])
    if (receipt) this.remember(writer, receipt.id)
    this.log.info('a newcomer asks for a seat', { pact: this.pact.alias, id: receipt?.id, verdict: receipt?.verdict })
    return (await this.seatOf(applicant)) ?? this.ownVerdict(writer) ?? this.pending()
  }

  /** How this very seat stands: welcome when confirmed, pending when only applied, null when there is none. */
  private async seatOf({ writer, noise, identity }: Applicant): Promise<Reply | null> {
    const applied = await this.pact.memberByNoise(noise, 'applied')
    if (applied?.writer !== writer || applied.identity !== identity) return null
    const confirmed = await this.pact.memberByNoise(noise, 'confirmed')
    return confirmed?.writer === writer ? 'welcome' : this.pending()
  }

  /** What became of the entry that this machine wrote for a writer, when that writer has no seat. */
  private ownVerdict(writer: string): Reply | Promise<Reply> | null {
    const id = this.entries.get(writer)
    const receipt = id ? this.pact.receipt(id) : null
    if (!receipt || receipt.verdict === ACCEPTED) return null
    // Another newcomer may have taken the seat only in this machine's unconfirmed view.
    const status = BY_VERDICT[receipt.verdict] ?? 'refused'
    if (!receipt.confirmed && CLOSED.has(status)) return this.pending()
    return { status, words: WORDS[receipt.verdict] ?? receipt.verdict }
  }

  private async pending(): Promise<Reply> {
    const { waiting } = await this.pact.status()
    return { status: 'pending', words: waiting || 'the seat is being confirmed' }
  }

  private async welcome(): Promise<Buffer> {
    const { key, encryptionKey, alias } = this.pact
    const charter = await this.pact.charter()
    return encodeWelcome({ key, encryptionKey, name: charter?.charter.name ?? alias })
  }

  /** A token that opens for many must not let one stranger fill the ledger. */
  private mayWrite(): boolean {
    const now = Date.now()
    this.recent = this.recent.filter(at => now - at < 60_000)
    if (this.recent.length >= MAX_ENTRIES_PER_MINUTE) return false
    this.recent.push(now)
    return true
  }

  private remember(writer: string, id: string): void {
    const oldest = this.entries.keys().next().value
    if (this.entries.size >= MAX_REMEMBERED && oldest !== undefined) this.entries.delete(oldest)
    this.entries.set(writer, id)
  }
}
