/** What webhooks keep in `local.db`. Never replicated. A published version is never edited. */
export const migrations = [
  `CREATE TABLE webhooks_subscriptions(
     no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, pact TEXT NOT NULL, callback TEXT NOT NULL,
     match TEXT NOT NULL, since INTEGER NOT NULL, agent TEXT NOT NULL, created INTEGER NOT NULL, loopback INTEGER NOT NULL,
     secret TEXT NOT NULL, old_secret TEXT, old_until INTEGER,
     disabled TEXT, failures INTEGER NOT NULL DEFAULT 0, last_success INTEGER, last_failure INTEGER, last_error TEXT);
   CREATE INDEX webhooks_subscriptions_pact ON webhooks_subscriptions(pact);
   -- state: 0 pending, 1 delivered, 2 dead. tries: since it was queued last. attempts: all, as JSON.
   CREATE TABLE webhooks_deliveries(
     no INTEGER PRIMARY KEY, subscription INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
     state INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, queued INTEGER NOT NULL, next_at INTEGER NOT NULL,
     tries INTEGER NOT NULL DEFAULT 0, attempts TEXT NOT NULL DEFAULT '[]');
   CREATE INDEX webhooks_deliveries_state ON webhooks_deliveries(subscription, state, no);
   CREATE INDEX webhooks_deliveries_id ON webhooks_deliveries(subscription, id);`,
]
