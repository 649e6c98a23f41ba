/**
 * Live streams of events. Every event is turned into text once, whoever listens. A stream takes events only as fast as its client
 * reads them: nothing piles up for a slow one, it stays behind, and one that takes nothing at all is cut off and may resume.
 */
import { CORRECTION, type CompiledMatch, type Events, type Occurrence, type PactEvent } from './service.ts'

/** What a stream writes to: Node's response. */
export interface Sink {
  /** False when the client is behind: then `drain` follows. */
  write(chunk: string | Buffer): boolean
  once(event: 'drain', fn: () => void): unknown
  destroy(): void
}

export interface Wanted {
  /** Pact ids; null for all. */
  pacts: readonly string[] | null
  /** Null for everything, refused entries as well. */
  match: CompiledMatch | null
}

interface Frame {
  event: PactEvent
  /** As matches see it; null when its pact is not open. */
  seen: Occurrence | null
  text: Buffer
}

interface Stream {
  sink: Sink
  wanted: Wanted
  /** Number of the last event that was looked at. */
  seq: number
  /** When the client stopped taking, ms; null while it takes. */
  blocked: number | null
  closed: boolean
}

/** Events per write: bounds what is buffered for one client. */
const BATCH = 64
/** Frames kept for streams that are a little behind each other. */
const KEPT = 512
const KEEP_ALIVE_MS = 15_000
/** A client that takes nothing for so long is cut off. */
const PATIENCE_MS = 30_000

export class Hub {
  readonly #events: Events
  readonly #see: (event: PactEvent) => Occurrence | null
  readonly #people: (pacts: Wanted['pacts']) => Promise<unknown>
  readonly #here: (pact: string) => boolean
  readonly #streams = new Set<Stream>()
  /** The newest frames, oldest first, without a gap. */
  #frames: Frame[] = []
  readonly #unfollow: () => void
  readonly #timer: NodeJS.Timeout

  /**
   * @param people learns who is who in some pacts, for matches that ask for it
   * @param here whether a pact is still on this machine, open or not
   */
  constructor(
    events: Events,
    see: (event: PactEvent) => Occurrence | null,
    people: (pacts: Wanted['pacts']) => Promise<unknown>,
    here: (pact: string) => boolean,
  ) {
    this.#events = events
    this.#see = see
    this.#people = people
    this.#here = here
    this.#unfollow = events.onEvents(() => this.#pumpAll())
    this.#timer = setInterval(() => this.keepAlive(), KEEP_ALIVE_MS).unref()
  }

  /** Streams that are open now. */
  get size(): number {
    return this.#streams.size
  }

  get awaitsConfirmation(): boolean {
    return [...this.#streams].some(({ wanted }) => wanted.match?.match.until === 'confirmed')
  }

  /** Streams events after `seq`. Returns what ends it. */
  open(sink: Sink, wanted: Wanted, seq: number): () => void {
    const stream: Stream = { sink, wanted, seq, blocked: null, closed: false }
    this.#streams.add(stream)
    // The id without data lets the client resume from here even if nothing comes before the connection breaks.
    sink.write(`retry: 2000\nid: ${this.#events.cursor(seq)}\n\n`)
    this.#feed(stream)
    return () => {
      stream.closed = true
      this.#streams.delete(stream)
    }
  }

  /** Shows every client that the stream lives, and cuts those off that take nothing, or for which nothing will ever come. */
  keepAlive(now = Date.now()): void {
    for (const stream of this.#streams) {
      const over = stream.wanted.pacts?.some(this.#here) === false
      if (stream.blocked === null && !over) {
        this.#write(stream, ':\n\n')
        this.#feed(stream)
      } else if (over || now - (stream.blocked ?? now) >= PATIENCE_MS) {
        stream.closed = true
        this.#streams.delete(stream)
        stream.sink.destroy()
      }
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#unfollow()
    for (const stream of this.#streams) stream.closed = true
    this.#streams.clear()
  }

  #pumpAll(): void {
    for (const stream of this.#streams) this.#feed(stream)
  }

  /** Writes what there is. Who has which role may have changed with what is told now: who asks for roles waits until that is known. */
  #feed(stream: Stream): void {
    const { match, pacts } = stream.wanted
    if (!match?.needsPeople) this.#pump(stream)
    // What fails is tried again with the next event or sign of life.
    else
      this.#people(pacts)
        .then(() => this.#pump(stream))
        .catch(() => {})
  }

  /** Writes until the client is level or behind. */
  #pump(stream: Stream): void {
    while (!stream.closed && stream.blocked === null && stream.seq < this.#events.head()) {
      const { match } = stream.wanted
      const confirmed = match?.match.until === 'confirmed'
      // A frame that others were sent says that it is not confirmed, and knows who was who then.
      const frames = confirmed || match?.needsPeople ? this.#read(stream.seq) : this.#after(stream.seq)
      const held = confirmed ? frames.findIndex(frame => wants(frame, stream.wanted) && !settled(frame)) : -1
      const ready = held === -1 ? frames : frames.slice(0, held)
      const last = ready.at(-1)
      if (!last) return
      stream.seq = last.event.seq
      const chosen = ready.filter(frame => wants(frame, stream.wanted))
      if (chosen.length > 0)
        this.#write(stream, chosen.length === 1 ? chosen[0]!.text : Buffer.concat(chosen.map(f => f.text)))
      if (held !== -1) return
    }
  }

  #write(stream: Stream, chunk: string | Buffer): void {
    if (stream.sink.write(chunk)) return
    stream.blocked = Date.now()
    stream.sink.once('drain', () => {
      stream.blocked = null
      this.#feed(stream)
    })
  }

  #after(seq: number): Frame[] {
    const oldest = this.#frames[0]?.event.seq ?? Number.POSITIVE_INFINITY
    if (oldest <= seq + 1) {
      const kept = this.#frames.slice(seq + 1 - oldest, seq + 1 - oldest + BATCH)
      if (kept.length > 0) return kept
    }
    const frames = this.#read(seq)
    // Only what continues the kept ones, and only near the head: history that one client catches up with is of no use to others.
    const next = this.#frames.length > 0 ? this.#frames.at(-1)!.event.seq + 1 : this.#events.head() - BATCH + 1
    if (frames[0] && (this.#frames.length > 0 ? frames[0].event.seq === next : frames[0].event.seq >= next)) {
      this.#frames.push(...frames)
      if (this.#frames.length > KEPT) this.#frames = this.#frames.slice(-KEPT / 2)
    }
    return frames
  }

  #read(seq: number): Frame[] {
    return this.#events.after(seq, { limit: BATCH }).map(event => this.#frame(event))
  }

  #frame(event: PactEvent): Frame {
    const { seq, kind, ...rest } = event
    // JSON has no raw line breaks, and kinds are words: nothing of an entry can end the frame early.
    const text = `id: ${this.#events.cursor(seq)}\nevent: ${kind}\ndata: ${JSON.stringify({ seq, ...rest, kind })}\n\n`
    return { event, seen: event.stale || kind === CORRECTION ? null : this.#see(event), text: Buffer.from(text) }
  }
}

/** What was taken back already is not sent: its correction is enough for those who saw it. */
function wants({ event, seen }: Frame, { pacts, match }: Wanted): boolean {
  if (event.stale || (pacts && !pacts.includes(event.pact))) return false
  // Who waits for confirmation was never told what is taken back.
  if (event.kind === CORRECTION) return match?.match.until !== 'confirmed'
  return match === null || (seen !== null && match.test(seen))
}

function settled({ seen }: Frame): boolean {
  return seen === null || seen.confirmed
}
