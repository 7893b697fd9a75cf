/** The way out of a transaction that did not end well. */
import type { DatabaseSync } from 'node:sqlite';

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
