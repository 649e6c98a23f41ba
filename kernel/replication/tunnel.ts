/**
 * A pact over one connection: an inner stream of this pact's store alone, behind a gate.
 *
 * Both sides say hello once they accept the other, showing their own admission chain; the inner streams start when each has said
 * and heard it. Whom this machine does not know hears nothing from it before having shown a chain that members known here vouch
 * for: somebody who merely holds the pact's keys learns nothing. The gate is asked again whenever membership changes. Who was removed
 * is told so, and nothing else.
 */
import type { Duplex } from 'node:stream'
import type Protomux from 'protomux'
import type { PeerConnection } from './connection.ts'
import { harden } from './hardened.ts'
import { Meeting } from './meeting.ts'
import type { Replicated, Standing } from './replicated.ts'

const HELLO = 0
const DATA = 1
const REMOVED = 2
const NOTHING = Buffer.alloc(0)
const CHAIN_LIMIT = 16 * 1024
const CHUNK_LIMIT = 256 * 1024
/** ms before a tunnel that broke is tried again, doubling. */
const FIRST_RETRY = 1_000
const LAST_RETRY = 60_000

export class Tunnel {
  readonly #peer: PeerConnection
  readonly #pact: Replicated
  readonly #changed: (open: boolean) => void
  readonly #meeting: Meeting
  #inner: Duplex | null = null
  /** The chain that this side showed in its hello; null until it accepts the remote. */
  #shown: Buffer | null = null
  /** What the remote showed in its hello; null until then. */
  #chain: Buffer | null = null
  /** Removed, or refused by a plugin: not even answered. */
  #barred = false
  #removed = false
  #closed = false
  #judging: Promise<void> | null = null
  #again = false
  #retry: NodeJS.Timeout | null = null
  #delay = FIRST_RETRY

  /** @param changed told when the inner stream has started (true) or ended (false) */
  constructor(peer: PeerConnection, pact: Replicated, changed: (open: boolean) => void) {
    this.#peer = peer
    this.#pact = pact
    this.#changed = changed
    let granted = false
    this.#meeting = new Meeting(peer, {
      purpose: 'tunnel',
      protocol: 'openpact/pact/1',
      secret: pact.encryptionKey,
      messages: [
        { limit: CHAIN_LIMIT, receive: chain => this.#hear(chain) },
        { limit: CHUNK_LIMIT, receive: data => this.#receive(data) },
        { limit: 0, receive: () => this.#pact.dismissed(peer.noise) },
      ],
      answers: () => !this.#barred || this.#removed,
      opened: () => {
        if (!granted) peer.grant(CHAIN_LIMIT)
        granted = true
        this.check()
      },
      closed: () => this.#ended(),
      drained: () => this.#inner?.resume(),
    })
  }

  get open(): boolean {
    return this.#inner !== null
  }

  /** Asks the gate, now or once more if it is being asked already; opens, keeps or cuts. Resolves when that is done. */
  check(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#again = true
    this.#judging ??= this.#judgeAll()
    return this.#judging
  }

  /** Cuts it for good. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#meeting.dispose()
    this.#peer.setStanding(this.#pact.id, null)
  }

  async #judgeAll(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      // A store that is closing can refuse to replicate; then this is tried again after a while.
      await this.#judge().catch(() => this.#meeting.close())
    }
    this.#judging = null
  }

  async #judge(): Promise<void> {
    const { standing, accepted, barred, own } = await this.#ask()
    if (this.#closed) return
    this.#barred = barred
    this.#removed = standing === 'removed'
    if (this.#removed) this.#meeting.send(REMOVED, NOTHING)
    if (!accepted && (barred || this.#shown !== null)) this.#meeting.close()
    this.#peer.setStanding(this.#pact.id, standing)
    if (!accepted || this.#closed) return
    if (!this.#meeting.met) {
      if (this.#retry === null) this.#meeting.open()
    } else if (own !== null && this.#inner === null && !this.#shown?.equals(own)) {
      // Again when there is more to show: a newcomer has no chain yet when it says hello for the first time.
      this.#shown = own
      this.#meeting.send(HELLO, own)
      if (this.#chain !== null) this.#attach()
    }
  }

  async #ask(): Promise<{ standing: Standing; accepted: boolean; barred: boolean; own: Buffer | null }> {
    const { noise } = this.#peer
    try {
      const own = this.#meeting.met && this.#inner === null ? await this.#pact.admissionChain() : null
      const standing = await this.#pact.standing(noise)
      const vouched =
        standing === 'unknown' ? this.#chain !== null && (await this.#pact.vouches(this.#chain, noise)) : null
      const known = vouched ?? standing !== 'removed'
      const refused = known && (await this.#pact.refuses(noise)) !== undefined
      return { standing, accepted: known && !refused, barred: refused || standing === 'removed', own }
    } catch {
      // A pact that cannot answer (it is closing) lets nobody in.
      return { standing: 'unknown', accepted: false, barred: false, own: null }
    }
  }

  #hear(chain: Buffer): void {
    this.#chain = Buffer.from(chain)
    // Its data may follow at once, so this must not wait for the gate; that has let the remote through already.
    if (this.#shown !== null && this.#inner === null) this.#attach()
    else this.check()
  }

  #attach(): void {
    const inner = this.#pact.replicate(this.#peer.initiator, this.#peer.noise)
    const mux = (inner as Duplex & { noiseStream?: { userData: Protomux | null } }).noiseStream?.userData
    if (mux) harden(mux)
    this.#inner = inner
    this.#delay = FIRST_RETRY
    inner.on('error', () => {})
    inner.on('close', () => {
      if (this.#inner === inner) this.#meeting.close()
    })
    inner.on('drain', () => this.#peer.resume(this))
    inner.on('data', (data: Buffer) => {
      for (let at = 0; at < data.byteLength; at += CHUNK_LIMIT) {
        if (!this.#meeting.send(DATA, data.subarray(at, at + CHUNK_LIMIT))) inner.pause()
      }
    })
    this.#peer.countTunnel(1)
    this.#changed(true)
  }

  #receive(data: Buffer): void {
    if (this.#inner === null) this.#meeting.close()
    else if (!this.#inner.write(data)) this.#peer.pause(this)
  }

  #ended(): void {
    const inner = this.#inner
    this.#inner = null
    this.#shown = null
    this.#chain = null
    if (inner !== null) {
      inner.destroy()
      this.#peer.resume(this)
      this.#peer.countTunnel(-1)
      this.#changed(false)
    }
    // Whom the gate turned away comes back when membership changes; everything else is tried again after a while.
    if (this.#barred || this.#closed || this.#peer.closed || this.#retry !== null) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.check()
    }, this.#delay)
    this.#delay = Math.min(this.#delay * 2, LAST_RETRY)
  }
}
