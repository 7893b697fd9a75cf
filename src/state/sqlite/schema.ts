/** The tables, and how older ones become them. `PRAGMA user_version` says which version a file has. */
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../core/store.ts';

/** Step n takes a file from version n to n + 1, inside a transaction. Steps are only ever added. */
export type Migration = (db: DatabaseSync) => void;

export const MIGRATIONS: readonly Migration[] = [
  (db) => db.exec(VERSION_1),
  (db) => db.exec(VERSION_2),
  (db) => db.exec(VERSION_3),
  (db) => db.exec(VERSION_4),
];

/**
 * `counters` has one row for each counter and window; `keep_until` is when it may go. `heads` has one row: the time
 * of the newest record, and the number of the newest pause or resume. A pause of all policies has the scope `all`,
 * that of one policy `policy:` and its name. `approvals` is another one since version 2.
 */
const VERSION_1 = `
CREATE TABLE namespaces (
  ns INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE counters (
  ns INTEGER NOT NULL,
  id TEXT NOT NULL,
  unit TEXT NOT NULL,
  start INTEGER NOT NULL,
  micros INTEGER NOT NULL CHECK (micros >= 0),
  keep_until INTEGER NOT NULL,
  PRIMARY KEY (ns, id, unit, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_by_end ON counters (keep_until);

CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  ns INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  tool TEXT NOT NULL,
  agent TEXT,
  rule TEXT NOT NULL,
  message TEXT NOT NULL,
  args TEXT NOT NULL,
  evidence TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'consumed')),
  timeout INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  decided_at INTEGER,
  decided_by TEXT,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  leased_by TEXT,
  consumed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_by_call ON approvals (ns, fingerprint, created_at);
CREATE INDEX approvals_pending ON approvals (ns, agent, expires_at) WHERE state = 'pending';

CREATE TABLE heads (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  newest INTEGER NOT NULL,
  sequence INTEGER NOT NULL
) STRICT;
INSERT INTO heads VALUES (1, 0, 0);

CREATE TABLE pauses (
  scope TEXT PRIMARY KEY,
  policy TEXT,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE instances (
  id TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  namespace TEXT NOT NULL,
  policy TEXT,
  upstream TEXT NOT NULL,
  revision TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  confirmed INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/**
 * Approvals that can be decided, claims, and the events of approvals. Version 1 could not decide a record, so those of
 * it are over: a repeat of the call opens one that a human can judge. Arguments and results are the last columns, so
 * that what is read often lies before them. `stored` sums `result_bytes`; the triggers keep it right.
 * `due_at` is when an event is to be delivered (again); null where nobody is to be notified, or everybody was.
 */
const VERSION_2 = `
ALTER TABLE approvals RENAME TO approvals_1;
DROP INDEX approvals_by_call;
DROP INDEX approvals_pending;
CREATE TABLE approvals (
  id TEXT NOT NULL UNIQUE,
  ns INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  call TEXT NOT NULL,
  tool TEXT NOT NULL,
  agent TEXT,
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'consumed')),
  timeout INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  keep_until INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  notify INTEGER NOT NULL,
  decided_at INTEGER,
  decided_by TEXT,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  token TEXT,
  consumed_at INTEGER,
  rule TEXT NOT NULL,
  message TEXT NOT NULL,
  evidence TEXT NOT NULL,
  args TEXT NOT NULL
) STRICT;
INSERT INTO approvals (id, ns, fingerprint, call, tool, agent, state, timeout, created_at, expires_at, keep_until, retries, notify, rule,
    message, evidence, args)
  SELECT id, ns, fingerprint, fingerprint, tool, agent, 'expired', timeout, created_at, expires_at, expires_at + 86400000, 0, 0, rule,
    message, '{"upstream":"","revision":"","rules":[],"overrides":[]}', args FROM approvals_1;
DROP TABLE approvals_1;
CREATE INDEX approvals_by_fingerprint ON approvals (ns, fingerprint, created_at);
CREATE INDEX approvals_by_age ON approvals (created_at);
CREATE INDEX approvals_by_end ON approvals (keep_until);
CREATE INDEX approvals_pending ON approvals (ns, agent, expires_at) WHERE state = 'pending';
CREATE INDEX approvals_pending_call ON approvals (ns, call) WHERE state = 'pending';
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state IN ('pending', 'approved');
CREATE INDEX approvals_denied ON approvals (ns, tool, agent, decided_at) WHERE state = 'denied';

CREATE TABLE approval_events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  approval TEXT NOT NULL,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,
  due_at INTEGER,
  tries INTEGER NOT NULL DEFAULT 0,
  owner TEXT
) STRICT;
CREATE INDEX approval_events_by_approval ON approval_events (approval);
CREATE INDEX approval_events_due ON approval_events (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE claims (
  ns INTEGER NOT NULL,
  key TEXT NOT NULL,
  tool TEXT NOT NULL,
  agent TEXT,
  state TEXT NOT NULL CHECK (state IN ('in_flight', 'done', 'unknown')),
  token TEXT NOT NULL,
  window INTEGER NOT NULL,
  claimed_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  keep_until INTEGER NOT NULL,
  finished_at INTEGER,
  resolved_by TEXT,
  result_bytes INTEGER,
  args TEXT NOT NULL,
  result TEXT,
  UNIQUE (ns, key)
) STRICT;
CREATE INDEX claims_by_end ON claims (keep_until);
CREATE INDEX claims_by_age ON claims (claimed_at);
CREATE INDEX claims_stored ON claims (finished_at, result_bytes) WHERE result_bytes IS NOT NULL;

ALTER TABLE heads ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE heads ADD COLUMN approver_secret TEXT;
CREATE TRIGGER claims_stored_more AFTER INSERT ON claims WHEN new.result_bytes IS NOT NULL
  BEGIN UPDATE heads SET stored = stored + new.result_bytes; END;
CREATE TRIGGER claims_stored_other AFTER UPDATE OF result_bytes ON claims WHEN new.result_bytes IS NOT old.result_bytes
  BEGIN UPDATE heads SET stored = stored + ifnull(new.result_bytes, 0) - ifnull(old.result_bytes, 0); END;
CREATE TRIGGER claims_stored_less AFTER DELETE ON claims WHEN old.result_bytes IS NOT NULL
  BEGIN UPDATE heads SET stored = stored - old.result_bytes; END;
`;

/**
 * Records by agent key (policy.md §6). Of older ones the credential is not known: they stay with the name. Both counts
 * and denials are answered from indexes alone, since the new column lies behind the arguments.
 */
const VERSION_3 = `
ALTER TABLE approvals ADD COLUMN agent_key TEXT NOT NULL DEFAULT 'null';
UPDATE approvals SET agent_key = json_quote(agent) WHERE agent IS NOT NULL;
CREATE INDEX approvals_pending_key ON approvals (ns, agent_key, expires_at) WHERE state = 'pending';
DROP INDEX approvals_denied;
CREATE INDEX approvals_denied ON approvals (ns, tool, agent_key, decided_at) WHERE state = 'denied';
`;

/** Payment challenges that were delivered and are not paid. `body` is JSON: the offers, those that were taken out, and the draws that it holds. */
const VERSION_4 = `
CREATE TABLE challenges (
  ns INTEGER NOT NULL,
  id TEXT NOT NULL,
  call TEXT NOT NULL,
  agent TEXT NOT NULL,
  until INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (ns, id)
) STRICT;
CREATE INDEX challenges_by_call ON challenges (ns, call);
CREATE INDEX challenges_by_agent ON challenges (ns, agent, until);
CREATE INDEX challenges_by_end ON challenges (ns, until);
`;

/**
 * Brings the file to the newest version, all steps in one transaction. `fresh`: an empty file may become a store;
 * where it may not, an empty one is somebody else's mistake and would forget what was counted.
 */
export function migrate(db: DatabaseSync, path: string, fresh: boolean, migrations: readonly Migration[] = MIGRATIONS): void {
  if (versionOf(db, path, migrations.length) === migrations.length) return;
  db.exec('BEGIN IMMEDIATE');
  commitOrUndo(db, () => {
    // Again, under the lock: another process may have migrated meanwhile.
    const version = versionOf(db, path, migrations.length);
    if (version === 0) checkEmpty(db, path, fresh);
    for (const step of migrations.slice(version)) step(db);
    db.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
  });
}

function versionOf(db: DatabaseSync, path: string, newest: number): number {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number };
  const version = row.user_version;
  if (version >= 0 && version <= newest) return version;
  throw new StoreError(
    `the state file "${path}" has schema version ${version}, this program knows ${newest}; use a newer program or another state folder`,
  );
}

function checkEmpty(db: DatabaseSync, path: string, fresh: boolean): void {
  if (!fresh)
    throw new StoreError(
      `the state file "${path}" was replaced by one that is no store; put it back, or restart to begin with an empty one`,
    );
  const row = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  if (row.tables > 0) throw new StoreError(`the state file "${path}" is a database of another program; use another state folder`);
}

/** Runs what a begun transaction does, its COMMIT included; where that throws, undoes it all and throws on. */
export function commitOrUndo<T>(db: DatabaseSync, work: () => T): T {
  try {
    return work();
  } catch (error) {
    undo(db);
    throw error;
  }
}

/** `isTransaction` would say whether there is something to undo, but Node 22.13 has none. */
function undo(db: DatabaseSync): void {
  try {
    db.exec('ROLLBACK');
  } catch {
    // SQLite has undone it already, as it does on a full disk. Were it still open, the next BEGIN would fail and
    // the connection with it.
  }
}
