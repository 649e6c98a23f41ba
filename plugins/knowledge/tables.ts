/** The read model of knowledge. Entries by topic, agent and time are the read model's own; only the topics need a table. */
import { table } from '../read-model/table.ts'

/** One row per topic: how many entries it has, and the newest of them. */
export const topicsTable = table({
  name: 'knowledge_topic',
  version: 1,
  types: ['knowledge'],
  create: `
    CREATE TABLE knowledge_topic (
      pact INTEGER NOT NULL, topic TEXT NOT NULL, count INTEGER NOT NULL, last_position INTEGER NOT NULL, last_id TEXT NOT NULL
    );
    CREATE UNIQUE INDEX knowledge_topic_name ON knowledge_topic (pact, topic);
    CREATE INDEX knowledge_topic_last ON knowledge_topic (pact, last_position);`,
  project(record, db, { pactNo }) {
    if (!record.entry?.topic) return
    db.prepare(
      `INSERT INTO knowledge_topic (pact, topic, count, last_position, last_id) VALUES (?, ?, 1, ?, ?)
       ON CONFLICT (pact, topic) DO UPDATE
       SET count = count + 1, last_position = excluded.last_position, last_id = excluded.last_id`,
    ).run(pactNo, record.entry.topic, record.position, record.id)
  },
})
