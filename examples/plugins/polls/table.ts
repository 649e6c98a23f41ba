import { table } from 'openpact/plugins/read-model'

export const votes = table({
  name: 'polls_votes',
  version: 1,
  types: ['poll.vote'],
  create: `
    CREATE TABLE polls_votes (pact INTEGER NOT NULL, poll TEXT NOT NULL, option TEXT NOT NULL, votes INTEGER NOT NULL);
    CREATE UNIQUE INDEX polls_votes_option ON polls_votes (pact, poll, option);`,
  project(_record, db, { pactNo, payload, emit }) {
    const { poll, option } = payload as { poll: string; option: string }
    db.prepare(
      `INSERT INTO polls_votes (pact, poll, option, votes) VALUES (?, ?, ?, 1)
       ON CONFLICT (pact, poll, option) DO UPDATE SET votes = votes + 1`,
    ).run(pactNo, poll, option)
    emit({ subject: 'poll', id: poll, kind: 'poll.voted', data: { option } })
  },
})
