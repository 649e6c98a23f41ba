/**
 * Live streams of events. Every event is turned into text once, whoever listens. A stream takes events only as fast as its client
 * reads them: nothing piles up for a slow one, it stays behind, and one that takes nothing at all is cut off and may resume.
 */
import type { Events, PactEvent } from './service.ts'

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
  /** Kinds of events or types of entries; null for all. */
  types: readonly string[] | null
  topic: string | null
}

interface Frame {
  event: PactEvent
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
  readonly #streams = new Set<Stream>()
  /** The newest frames, oldest first, without a gap. */
  #frames: Frame[] = []
  readonly #unfollow: () => void
  readonly #timer: NodeJS.Timeout

  constructor(events: Events) {
    this.#events = events
    this.#unfollow = events.onEvents(() => this.#pumpAll())
    this.#timer = setInterval(() => this.keepAlive(), KEEP_ALIVE_MS).unref()
  }

  /** Streams that are open now. */
  get size(): number {
    return this.#streams.size
  }

  /** Streams events after `seq`. Returns what ends it. */
  open(sink: Sink, wanted: Wanted, seq: number): () => void {
    const stream: Stream = { sink, wanted, seq, blocked: null, closed: false }
    this.#streams.add(stream)
    // The id without data lets the client resume from here even if nothing comes before the connection breaks.
    sink.write(`retry: 2000\nid: ${this.#events.cursor(seq)}\n\n`)
    this.#pump(stream)
    return () => {
      stream.closed = true
      this.#streams.delete(stream)
    }
  }

  /** Shows every client that the stream lives, and cuts those off that take nothing. */
  keepAlive(now = Date.now()): void {
    for (const stream of this.#streams) {
      if (stream.blocked === null) this.#write(stream, ':\n\n')
      else if (now - stream.blocked >= PATIENCE_MS) {
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
    for (const stream of this.#streams) if (stream.blocked === null) this.#pump(stream)
  }

  /** Writes until the client is level or behind. */
  #pump(stream: Stream): void {
    while (!stream.closed && stream.blocked === null && stream.seq < this.#events.head()) {
      const frames = this.#after(stream.seq)
      const last = frames.at(-1)
      if (!last) return
      stream.seq = last.event.seq
      const chosen = frames.filter(({ event }) => matches(event, stream.wanted))
      if (chosen.length > 0)
        this.#write(stream, chosen.length === 1 ? chosen[0]!.text : Buffer.concat(chosen.map(f => f.text)))
    }
  }

  #write(stream: Stream, chunk: string | Buffer): void {
    if (stream.sink.write(chunk)) return
    stream.blocked = Date.now()
    stream.sink.once('drain', () => {
      stream.blocked = null
      this.#pump(stream)
    })
  }

  #after(seq: number): Frame[] {
    const oldest = this.#frames[0]?.event.seq ?? Number.POSITIVE_INFINITY
    if (oldest <= seq + 1) {
      const kept = this.#frames.slice(seq + 1 - oldest, seq + 1 - oldest + BATCH)
      if (kept.length > 0) return kept
    }
    const frames = this.#events.after(seq, { limit: BATCH }).map(event => this.#frame(event))
    // Only what continues the kept ones, and only near the head: history that one client catches up with is of no use to others.
    const next = this.#frames.length > 0 ? this.#frames.at(-1)!.event.seq + 1 : this.#events.head() - BATCH + 1
    if (frames[0] && (this.#frames.length > 0 ? frames[0].event.seq === next : frames[0].event.seq >= next)) {
      this.#frames.push(...frames)
      if (this.#frames.length > KEPT) this.#frames = this.#frames.slice(-KEPT / 2)
    }
    return frames
  }

  #frame(event: PactEvent): Frame {
    const { seq, kind, ...rest } = event
    // JSON has no raw line breaks, and kinds are words: nothing of an entry can end the frame early.
    const text = `id: ${this.#events.cursor(seq)}\nevent: ${kind}\ndata: ${JSON.stringify({ seq, ...rest, kind })}\n\n`
    return { event, text: Buffer.from(text) }
  }
}

/** What was taken back already is not sent: its correction is enough for those who saw it. */
function matches(event: PactEvent, { pacts, types, topic }: Wanted): boolean {
  if (event.stale || (pacts && !pacts.includes(event.pact))) return false
  if (event.corrects) return true
  if (types && !types.includes(event.kind) && !(event.entry && types.includes(event.entry.type))) return false
  return topic === null || topicOf(event) === topic
}

function topicOf({ entry, data }: PactEvent): unknown {
  if (entry) return entry.topic
  return typeof data === 'object' && data !== null && 'topic' in data ? data.topic : undefined
}
