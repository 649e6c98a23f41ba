/** Who holds which task until when: what is needed to say in time that a claim of one's own is about to end. */
import { table } from '../read-model/table.ts'

export const claimsTable = table({
  name: 'digest_claim',
  version: 1,
  types: ['task.claim', 'task.renew', 'task.release', 'task.complete'],
  create: `
    CREATE TABLE digest_claim (pact INTEGER NOT NULL, task TEXT NOT NULL, claimant TEXT NOT NULL, lease_until INTEGER NOT NULL);
    CREATE UNIQUE INDEX digest_claim_task ON digest_claim (pact, task);
    CREATE INDEX digest_claim_lease ON digest_claim (pact, claimant, lease_until);`,
  project({ entry }, db, { pactNo, payload }) {
    const { task, lease_ms: lease } = (payload ?? {}) as { task?: string; lease_ms?: number }
    if (!entry || task === undefined) return
    if (lease === undefined) {
      db.prepare('DELETE FROM digest_claim WHERE pact = ? AND task = ?').run(pactNo, task)
      return
    }
    db.prepare(
      `INSERT INTO digest_claim (pact, task, claimant, lease_until) VALUES (?, ?, ?, ?)
       ON CONFLICT (pact, task) DO UPDATE SET claimant = excluded.claimant, lease_until = excluded.lease_until`,
    ).run(pactNo, task, entry.agent.toString('hex'), entry.timestamp + lease)
  },
})
