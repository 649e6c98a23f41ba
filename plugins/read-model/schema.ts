/** The tables that every entry is in, whatever plugins are loaded. Plugins' own tables are made in tables.ts. */

/** Raised with any change below: an index of another version is deleted and rebuilt from the logs. */
export const SCHEMA_VERSION = 2

/**
 * Rows are small because everything that repeats (types, topics, verdicts, keys) is a number, and because undo of these tables
 * needs no journal: they only grow with the position, and are cut at one.
 */
export const SCHEMA = `
CREATE TABLE pacts(
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  indexed INTEGER NOT NULL, chain BLOB NOT NULL,
  floor INTEGER NOT NULL, floor_chain BLOB NOT NULL);
CREATE TABLE words(no INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE writers(no INTEGER PRIMARY KEY, pact INTEGER NOT NULL, key BLOB NOT NULL, prefix TEXT NOT NULL);
CREATE UNIQUE INDEX writers_key ON writers(pact, key);
CREATE INDEX writers_prefix ON writers(pact, prefix);
CREATE TABLE agents(no INTEGER PRIMARY KEY, pact INTEGER NOT NULL, key BLOB NOT NULL, name TEXT, identity TEXT);
CREATE UNIQUE INDEX agents_key ON agents(pact, key);
CREATE INDEX agents_unknown ON agents(pact) WHERE identity IS NULL;

-- n is negative (-1 - block) for what was malformed: such a row has no type and its payload is its hash and size.
-- type, topic and verdict are words; verdict is NULL for accepted. extra holds what entries seldom have.
CREATE TABLE entries(
  at INTEGER PRIMARY KEY, writer INTEGER NOT NULL, n INTEGER NOT NULL, type INTEGER, v INTEGER, topic INTEGER, agent INTEGER,
  timestamp INTEGER, verdict INTEGER, payload TEXT, refs TEXT, dedup BLOB, unreadable TEXT, extra TEXT);
CREATE INDEX entries_id ON entries(writer, n);
CREATE INDEX entries_type ON entries(type);
CREATE INDEX entries_type_topic ON entries(type, topic);
CREATE INDEX entries_type_agent ON entries(type, agent);
CREATE INDEX entries_type_topic_agent ON entries(type, topic, agent);
CREATE INDEX entries_topic ON entries(topic);
CREATE INDEX entries_agent ON entries(agent);
CREATE INDEX entries_time ON entries(type, at >> 32, timestamp);
CREATE INDEX entries_dedup ON entries(dedup) WHERE dedup IS NOT NULL;
CREATE INDEX entries_unreadable ON entries(unreadable) WHERE unreadable IS NOT NULL;

CREATE TABLE refs(dst TEXT NOT NULL, at INTEGER NOT NULL, type INTEGER NOT NULL, PRIMARY KEY(dst, at, type)) WITHOUT ROWID;
CREATE INDEX refs_type ON refs(dst, type, at);

CREATE TABLE changes(
  at INTEGER NOT NULL, source INTEGER NOT NULL, i INTEGER NOT NULL, subject INTEGER NOT NULL, id TEXT NOT NULL,
  kind INTEGER NOT NULL, data TEXT, PRIMARY KEY(at, source, i)) WITHOUT ROWID;

-- Chains of the prefixes that are indexed but not confirmed: what the log is compared with, newest first.
CREATE TABLE checkpoints(at INTEGER PRIMARY KEY, chain BLOB NOT NULL);

-- The position whose record is projected now, while its changes to plugins' tables must be undoable; NULL while not.
CREATE TABLE journal(one INTEGER PRIMARY KEY CHECK(one = 1), at INTEGER);
INSERT INTO journal VALUES (1, NULL);
-- What each plugin table and entry type was when it was indexed.
CREATE TABLE tables(name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE types(name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID;
-- Plugin tables that do not reach as far as their pact's index yet; a table without a row here does.
CREATE TABLE lagging(name TEXT NOT NULL, pact INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(name, pact)) WITHOUT ROWID;
`
