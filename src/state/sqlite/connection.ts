/** The open database: opened, checked once a second to be the one at its path, dropped after a fault, opened again. */
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../core/store.ts';
import { type Identity, isSameFile, prepareFile } from './filesystem.ts';
import { isBusy } from './lane.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { commitOrUndo, migrate } from './schema.ts';
import { prepareStatements, type Statements } from './statements.ts';

const CHECK_EVERY = 1_000;

export interface SqliteConnection {
  readonly db: DatabaseSync;
  readonly statements: Statements;
  readonly log: LogFile;
}

export interface SqliteConnections {
  /** Runs the work on the open connection, opening one first where there is none. */
  use<T>(work: (connection: SqliteConnection) => T): T;
  /** Makes the log longer, where a connection is open. */
  lengthenLog(): void;
  close(): void;
}

interface Opened extends SqliteConnection {
  readonly file: Identity;
}

/** `normal` survives the death of this process, `full` the loss of power as well (cli.md §2). */
export type Durability = 'normal' | 'full';

/** Keeps one connection to the file at `path`; nothing is opened before the first use. */
export function keepConnection(path: string, namespace: string | undefined): SqliteConnections {
  let open: Opened | undefined;
  let checkedAt = 0;
  let closed = false;
  // SECURITY: only the first opening may make a file. Made anew while calls run, an empty one would free every limit.
  // Nor may one that only looks at records.
  let fresh = namespace !== undefined;
  const drop = (): void => {
    const dropped = open;
    open = undefined;
    try {
      dropped?.db.close();
    } catch {
      // It is given up because it failed; what matters was reported already.
    }
  };
  const current = (): Opened => {
    const now = performance.now();
    if (open && now - checkedAt < CHECK_EVERY) return open;
    if (open && !isCurrent(path, open)) drop();
    open ??= connect(path, namespace, fresh);
    fresh = false;
    checkedAt = now;
    return open;
  };
  const dropOnFault = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) && !(error instanceof StoreError)) drop();
      throw error;
    }
  };
  return {
    use(work) {
      if (closed) throw new StoreError(`the state store "${path}" is closed`);
      return dropOnFault(() => work(current()));
    },
    lengthenLog() {
      if (open) dropOnFault(() => lengthenLog(open as Opened));
    },
    close() {
      closed = true;
      drop();
    },
  };
}

/** Runs the work in a transaction that has the write lock from the start: all of it happens, or nothing. */
export function transact<T>({ db, statements }: Pick<SqliteConnection, 'db' | 'statements'>, durability: Durability, work: () => T): T {
  // The level cannot change inside a transaction, so what may need the stronger one asks for it beforehand.
  if (durability === 'full') db.exec('PRAGMA synchronous = FULL');
  try {
    statements.begin.run();
    return commitOrUndo(db, () => {
      const result = work();
      statements.commit.run();
      return result;
    });
  } finally {
    if (durability === 'full') db.exec('PRAGMA synchronous = NORMAL');
  }
}

/** With the write lock, so that nobody else writes to the log's end. */
function lengthenLog({ db, log }: SqliteConnection): void {
  db.exec('BEGIN IMMEDIATE');
  commitOrUndo(db, () => {
    log.lengthen();
    db.exec('COMMIT');
  });
}

/** The log's file counts too: were it removed, others would write to a new one and see nothing of ours. */
function isCurrent(path: string, { file, log }: Opened): boolean {
  try {
    return isSameFile(path, file) && isSameFile(`${path}-wal`, log);
  } catch {
    return false;
  }
}

function connect(path: string, namespace: string | undefined, fresh: boolean): Opened {
  const file = prepareFile(path, fresh);
  const { DatabaseSync } = loadDriver();
  const db = new DatabaseSync(path);
  try {
    configure(db, path);
    migrate(db, path, fresh);
    const statements = prepareStatements(db, namespace);
    if (!isSameFile(path, file)) throw new StoreError(`the state file "${path}" was replaced while it was opened; start again`);
    return { db, statements, file, log: openLogFile(`${path}-wal`) };
  } catch (error) {
    db.close();
    throw error;
  }
}

function configure(db: DatabaseSync, path: string): void {
  db.exec('PRAGMA busy_timeout = 0; PRAGMA trusted_schema = OFF');
  const row = db.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string };
  if (row.journal_mode !== 'wal')
    throw new StoreError(`the state file "${path}" does not take a write-ahead log, so it cannot be shared; use a folder on a local disk`);
  // Where the system's own sync stops at the drive's cache (macOS), `fullfsync` goes on to the drive. It is never turned
  // off again: each change of it makes SQLite compile every prepared statement anew.
  db.exec('PRAGMA synchronous = NORMAL; PRAGMA fullfsync = ON; PRAGMA journal_size_limit = 8388608; PRAGMA temp_store = MEMORY');
}

type Driver = typeof import('node:sqlite');

/**
 * Loads `node:sqlite`. Node before 24 warns at its first load that it is experimental; that line would stand on
 * the stderr of every start and says nothing that an operator can act on.
 */
export function loadDriver(): Driver {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    const driver = process.getBuiltinModule('node:sqlite') as Driver | undefined;
    if (!driver) throw new StoreError('this runtime has no node:sqlite; use Node 22.13 or newer, or the standalone binary');
    return driver;
  } finally {
    process.emitWarning = emitWarning;
  }
}
