/** What triggers keep in `local.db`. Never replicated. A published version is never edited. */
export const migrations = [
  `-- One row per trigger of the file. since: number of the newest event when it was first seen. The row '*' is for all.
   CREATE TABLE triggers_known(
     id TEXT PRIMARY KEY, since INTEGER NOT NULL, paused INTEGER NOT NULL DEFAULT 0,
     failures INTEGER NOT NULL DEFAULT 0, open_until INTEGER NOT NULL DEFAULT 0,
     stopped INTEGER NOT NULL DEFAULT 0, last_stopped TEXT, dropped INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
   CREATE TABLE triggers_approvals(
     id TEXT PRIMARY KEY, hash TEXT NOT NULL, roles TEXT NOT NULL, authors TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
   -- due: ms since 1970; -1 when something happened to its task since it was looked at last.
   -- claiming: it has begun to claim its task. forced: asked for by hand. pid, born: of the process that runs now.
   CREATE TABLE triggers_runs(
     no INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, trigger TEXT NOT NULL, pact TEXT NOT NULL,
     event TEXT NOT NULL, kind TEXT NOT NULL, subject_id TEXT NOT NULL, entry TEXT NOT NULL, task TEXT,
     state TEXT NOT NULL, reason TEXT, created INTEGER NOT NULL, due INTEGER NOT NULL,
     approved INTEGER NOT NULL DEFAULT 0, forced INTEGER NOT NULL DEFAULT 0, claiming INTEGER NOT NULL DEFAULT 0,
     attempts INTEGER NOT NULL DEFAULT 0, started INTEGER, ended INTEGER, code INTEGER, signal TEXT, pid INTEGER, born TEXT);
   CREATE INDEX triggers_runs_state ON triggers_runs(trigger, state, due);
   CREATE INDEX triggers_runs_no ON triggers_runs(trigger, no);
   CREATE INDEX triggers_runs_entry ON triggers_runs(trigger, pact, entry);
   CREATE INDEX triggers_runs_event ON triggers_runs(pact, event);
   CREATE INDEX triggers_runs_task ON triggers_runs(pact, task) WHERE task IS NOT NULL;
   CREATE INDEX triggers_runs_running ON triggers_runs(state) WHERE state = 'running';
   CREATE TABLE triggers_starts(trigger TEXT NOT NULL, at INTEGER NOT NULL);
   CREATE INDEX triggers_starts_at ON triggers_starts(trigger, at);`,
  `-- A row for each attempt at a run, the newest one last: a start never overwrites what an earlier one came to. Logs of older versions
   -- have no number, as those of first attempts.
   CREATE TABLE triggers_attempts(
     no INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, attempt INTEGER NOT NULL, trigger TEXT NOT NULL, pact TEXT NOT NULL,
     event TEXT NOT NULL, kind TEXT NOT NULL, subject_id TEXT NOT NULL, entry TEXT NOT NULL, task TEXT,
     state TEXT NOT NULL, reason TEXT, created INTEGER NOT NULL, due INTEGER NOT NULL,
     approved INTEGER NOT NULL DEFAULT 0, forced INTEGER NOT NULL DEFAULT 0, claiming INTEGER NOT NULL DEFAULT 0,
     started INTEGER, ended INTEGER, code INTEGER, signal TEXT, pid INTEGER, born TEXT, UNIQUE(key, attempt));
   INSERT INTO triggers_attempts SELECT no, key, 1, trigger, pact, event, kind, subject_id, entry, task, state, reason, created, due,
     approved, forced, claiming, started, ended, code, signal, pid, born FROM triggers_runs;
   DROP TABLE triggers_runs;
   ALTER TABLE triggers_attempts RENAME TO triggers_runs;
   CREATE INDEX triggers_runs_state ON triggers_runs(trigger, state, due);
   CREATE INDEX triggers_runs_no ON triggers_runs(trigger, no);
   CREATE INDEX triggers_runs_event ON triggers_runs(pact, event);
   CREATE INDEX triggers_runs_task ON triggers_runs(pact, task) WHERE task IS NOT NULL;
   CREATE INDEX triggers_runs_running ON triggers_runs(state) WHERE state = 'running';`,
]
