/**
 * The file of the write-ahead log, and free space in it. A durable commit that makes the file longer waits for the file system's
 * own journal, too, and takes about twice as long as one that writes over bytes that are there. So a process that commits
 * for good makes the file as long as it gets between two checkpoints, a piece at a time and beside the calls.
 *
 * SQLite takes no notice: it reads the log as far as salts and checksums go on, and the zeros behind that have neither.
 */
import { closeSync, fdatasync, fstatSync, openSync, writeSync } from 'node:fs';
import { type Identity, prepareFile } from './filesystem.ts';

/** SQLite checkpoints after 1,000 pages: space for them and for a large transaction, below `journal_size_limit`. */
const ROOM = 4_718_592;
const PIECE = 524_288;

export interface LogFile extends Identity {
  /** True while commits may still have to make it longer. */
  readonly isShort: boolean;
  /** Makes it a piece longer. The caller holds the write lock: nobody else writes to the end of it meanwhile. Throws nothing. */
  lengthen(): void;
}

/** The log at `path`, which SQLite has open. Only of Linux it is known that free space helps. */
export function openLogFile(path: string): LogFile {
  const { dev, ino } = prepareFile(path, false);
  let isShort = process.platform === 'linux';
  return {
    dev,
    ino,
    get isShort() {
      return isShort;
    },
    lengthen() {
      isShort &&= lengthen(path, { dev, ino });
    },
  };
}

/** Answers whether it did: not where it is long enough, or cannot be longer. */
function lengthen(path: string, known: Identity): boolean {
  try {
    const file = openSync(path, 'r+');
    const longer = addPiece(file, known);
    // Beside the calls: the next durable commit would have to wait until the zeros are on the disk.
    if (longer) fdatasync(file, () => closeSync(file));
    else closeSync(file);
    return longer;
  } catch {
    return false;
  }
}

function addPiece(file: number, known: Identity): boolean {
  try {
    const { dev, ino, size } = fstatSync(file);
    // SECURITY: the lock that is held is that of this database. In the log of another one, somebody may be writing.
    if (dev !== known.dev || ino !== known.ino) return false;
    const piece = Math.min(PIECE, ROOM - size);
    return piece > 0 && writeSync(file, new Uint8Array(piece), 0, piece, size) === piece;
  } catch {
    return false;
  }
}
