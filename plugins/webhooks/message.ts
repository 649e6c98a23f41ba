/** What is sent: the body of Standard Webhooks, made once per event, so that every attempt sends the same. */
import { createHash } from 'node:crypto'
import type { Pact } from '../../kernel/index.ts'
import { ENTRY_APPLIED, type Occurrence, type PactEvent } from '../events/service.ts'
import type { EntryView } from '../read-model/service.ts'

/** Bytes; larger ones carry no contents. */
export const BODY_CAP = 20_000

export interface Message {
  /** `[a-zA-Z0-9_.]` */
  type: string
  body: string
}

/** @param url of the daemon's local door */
export function messageOf({ event, pact, entry, about, topic, confirmed }: Occurrence, url: string): Message {
  const applied = event.kind === ENTRY_APPLIED
  const type = applied ? 'entry.applied' : word(event.kind)
  const timestamp = entry?.timestamp ?? new Date().toISOString()
  const shown = about ?? entry
  const common = {
    ...attributes(event, pact),
    topic,
    confirmed,
    // Who did it; of what it is about, `entry` says who wrote that.
    author: entry?.author ?? null,
    url: `${url}/v1/pacts/${pact.id}/entries/${(shown ?? { id: event.subject_id }).id}`,
  }
  const change = applied ? {} : { change: event.data ?? null }
  const body = JSON.stringify({ type, timestamp, data: { ...common, ...change, entry: shown } })
  if (Buffer.byteLength(body) < BODY_CAP) return { type, body }
  const data = { ...common, entry: shown && outline(shown), truncated: true }
  return { type, body: JSON.stringify({ type, timestamp, data }) }
}

/** A reorder took back what was sent as `data.event_id` = `data.corrects`. */
export function correctionOf(event: PactEvent, pact: Pact): Message {
  const type = 'correction'
  const data = { ...attributes(event, pact), corrects: event.corrects ?? null }
  return { type, body: JSON.stringify({ type, timestamp: new Date().toISOString(), data }) }
}

export function pingOf(subscription: string): Message {
  const type = 'ping'
  return { type, body: JSON.stringify({ type, timestamp: new Date().toISOString(), data: { subscription } }) }
}

/** `webhook-id`: the same for an event and a subscription, however often and after whatever crash it is sent. */
export function messageId(eventId: string, subscription: string): string {
  return `msg_${createHash('sha256').update(`${eventId} ${subscription}`).digest('base64url').slice(0, 27)}`
}

function attributes({ id, kind, subject, subject_id, position }: PactEvent, pact: Pact) {
  return { event_id: id, kind, pact_id: pact.id, pact: pact.alias, subject, subject_id, position }
}

/** Everything of an entry that is bounded. */
function outline({ payload: _, refs, ...rest }: EntryView): Omit<EntryView, 'payload'> {
  return { ...rest, refs: refs.slice(0, 16) }
}

function word(kind: string): string {
  return kind.replace(/[^a-zA-Z0-9_.]/g, '_')
}
