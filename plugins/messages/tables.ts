/** The read model of messages: what lists, threads and inboxes go by. What a message says stays with its entry. */
import { table } from '../read-model/table.ts'
import { audienceOf } from './audience.ts'
import { type MessagePayload, priorities } from './entries.ts'

/**
 * `urgency` counts down from the most urgent (0). `thread` is the id of the message that a thread began with: its own, where it
 * answers none. Every index ends with (urgency, position): a list of any priority is one per urgency, merged.
 */
export const messagesTable = table({
  name: 'messages_message',
  version: 1,
  types: ['message'],
  create: `
    CREATE TABLE messages_message (
      pact INTEGER NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, audience TEXT NOT NULL, topic TEXT NOT NULL,
      agent TEXT NOT NULL, thread TEXT NOT NULL, urgency INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX messages_message_id ON messages_message (pact, id);
    CREATE INDEX messages_message_position ON messages_message (pact, position);
    CREATE INDEX messages_message_urgency ON messages_message (pact, urgency, position);
    CREATE INDEX messages_message_audience ON messages_message (pact, audience, urgency, position);
    CREATE INDEX messages_message_topic ON messages_message (pact, topic, urgency, position);
    CREATE INDEX messages_message_agent ON messages_message (pact, agent, urgency, position);
    CREATE INDEX messages_message_thread ON messages_message (pact, thread, position);`,
  project({ id, position, entry }, db, { pactNo, payload, emit }) {
    if (!entry || payload === undefined) return
    const { to, role, priority = 'normal' } = payload as MessagePayload
    const { topic, refs } = entry
    const answered = refs.find(ref => ref.type === 'replies' && ref.pact === undefined)?.id
    const parent =
      answered && db.prepare('SELECT thread FROM messages_message WHERE pact = ? AND id = ?').get(pactNo, answered)
    // What is answered may be an entry of another type: the thread is then named after it.
    const thread = (parent ? String(parent.thread) : answered) ?? id
    const urgency = priorities.length - 1 - priorities.indexOf(priority)
    db.prepare(
      `INSERT INTO messages_message (pact, id, position, audience, topic, agent, thread, urgency)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(pactNo, id, position, audienceOf({ to, role, topic }), topic, entry.agent.toString('hex'), thread, urgency)
    const data = { topic, thread, priority, to: to ?? null, role: role ?? null }
    emit({ subject: 'message', id, kind: 'message.sent', data })
  },
})
