/** The tables, and how older ones become them. `PRAGMA user_version` says which version a file has. */
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../core/store.ts';
import { commitOrUndo } from './undo.ts';

/** Step n takes a file from version n to n + 1, inside a transaction. Steps are only ever added. */
export type Migration = (db: DatabaseSync) => void;

export const MIGRATIONS: readonly Migration[] = [(db) => db.exec(VERSION_1)];

/**
 * `counters` has one row for each counter and window; `keep_until` is when it may go. `heads` has one row: the time
 * of the newest record, and the number of the newest pause or resume. A pause of all policies has the scope `all`,
 * that of one policy `policy:` and its name. The columns of `approvals` that nothing writes yet are for deciding.
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
