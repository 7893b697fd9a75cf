/**
 * A transaction of the shared rules over a server that cannot run them (scale.md §4): they run over what was read, and
 * what they want to write is kept; it is written if all of that is still so, else they run anew. What they ask for and was
 * not read yet is read, and they run again from the beginning: they are pure but for what they write.
 */
import { StoreError } from '../../core/store.ts';
import { KEYS } from './keys.ts';
import { checked, type RedisReply, type ServerError } from './link.ts';

/** Something to read: the commands, and what their replies mean. */
export interface Load<T> {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
  readonly parse: (replies: readonly RedisReply[]) => T;
}

/** A reading command and the answer on which the writing depends; `false` where there was nothing. */
export type Condition = readonly [command: string, key: string, ...rest: (string | false)[]];

/** A write: its name, its keys by name, and what else it needs. Keys are told apart by `key`. */
export type Write = readonly [name: string, ...parts: (string | KeyOf)[]];

export interface KeyOf {
  readonly key: string;
}

/** One run of the rules reads and writes by this. */
export interface RowDraft {
  readonly now: number;
  /** The newest record's time, as of the reading. */
  readonly newest: number;
  /** Windows longer than a minute that began before this count as full (scale.md §1); 0 where none do. */
  readonly filled: number;
  /** Reads, or stops this run until it was read. */
  get<T>(load: Load<T>): T;
  /** Makes all writing depend on this answer. */
  require(condition: Condition): void;
  /** The same for everything that is read of approvals, their events and challenges. */
  requireRecords(): void;
  write(...write: Write): void;
}

/** Thrown by `get`, caught by `runDraft`. */
class NotRead extends Error {
  readonly load: Load<unknown>;

  constructor(load: Load<unknown>) {
    super('not read yet');
    this.load = load;
  }
}

export interface DraftPorts {
  /** Reads; the replies of errors are thrown. Rejects with `StoreError`. */
  read(commands: readonly (readonly string[])[]): Promise<readonly (RedisReply | ServerError)[]>;
  /** The time of the store; undefined where the server's own is asked. */
  readonly clock: (() => number) | undefined;
  commit(keys: readonly string[], conditions: unknown, writes: unknown): Promise<'done' | 'again'>;
}

/** So often the rules run anew because others wrote meanwhile. Who waits for them, waits no longer than its time-out. */
const TRIES = 100;
/** Chance parts those who were forestalled by each other; it grows with each try up to so much, ms. */
const LONGEST_PAUSE = 10;

/** Runs the rules and writes what they decided. Rejects with `StoreError`. */
export async function runDraft<T>(ports: DraftPorts, work: (draft: RowDraft) => T): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    const done = await tryDraft(ports, work);
    if (done) return done.result;
    const pause = Math.random() * Math.min(tries, LONGEST_PAUSE);
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  throw new StoreError(`others wrote to the state server ${TRIES} times while this was decided; try again`);
}

/** A sweep reads three things of each entry, one after the other. */
const MOST_READS = 1_000;

async function tryDraft<T>(ports: DraftPorts, work: (draft: RowDraft) => T): Promise<{ readonly result: T } | undefined> {
  const read = new Map<string, unknown>();
  const start = await ports.read([['TIME'], ['HMGET', KEYS.head, 'newest', 'records', 'filled']]);
  const [seconds, head] = start.map(checked) as [readonly string[], readonly (string | null)[]];
  const now = ports.clock?.() ?? Number(seconds[0]) * 1000 + Math.floor(Number(seconds[1]) / 1000);
  const records = head[1] ?? null;
  for (let reads = 0; reads < MOST_READS; reads++) {
    const noted = createNotes(records);
    try {
      const result = work({
        now,
        newest: Number(head[0] ?? 0),
        filled: Number(head[2] ?? 0),
        get: (load) => take(read, load),
        ...noted.draft,
      });
      if (noted.writes.length === 0) return { result };
      return (await commit(ports, noted)) === 'done' ? { result } : undefined;
    } catch (error) {
      if (!(error instanceof NotRead)) throw error;
      const replies = (await ports.read([...error.load.commands, ['HGET', KEYS.head, 'records']])).map(checked);
      // What was read before belongs to another state of the records.
      if (replies.at(-1) !== records) return undefined;
      read.set(error.load.name, error.load.parse(replies.slice(0, -1)));
    }
  }
  throw new StoreError(`what is decided here asks for more than ${MOST_READS} things one after the other`);
}

function take<T>(read: ReadonlyMap<string, unknown>, load: Load<T>): T {
  if (!read.has(load.name)) throw new NotRead(load);
  return read.get(load.name) as T;
}

interface Notes {
  readonly conditions: Condition[];
  readonly writes: Write[];
  readonly draft: Pick<RowDraft, 'require' | 'requireRecords' | 'write'>;
}

function createNotes(records: string | null): Notes {
  const conditions: Condition[] = [];
  const writes: Write[] = [];
  let onRecords = false;
  return {
    conditions,
    writes,
    draft: {
      require: (condition) => void conditions.push(condition),
      requireRecords() {
        if (onRecords) return;
        onRecords = true;
        conditions.push(['HGET', KEYS.head, 'records', records ?? false]);
      },
      write: (...write) => void writes.push(write),
    },
  };
}

function commit(ports: DraftPorts, { conditions, writes }: Notes): Promise<'done' | 'again'> {
  const keys = createNumbers();
  const named = conditions.map(([command, key, ...rest]) => [command, keys.of(key), ...rest]);
  const numbered = writes.map((write) => write.map((part) => (typeof part === 'string' ? part : keys.of(part.key))));
  return ports.commit(keys.all, named, numbered);
}

/** Members with their scores, or fields with their values, from the flat list of a reply. */
export function pairsOf(flat: readonly string[]): readonly (readonly [string, string])[] {
  return flat.flatMap((each, index) => (index % 2 === 0 ? [[each, flat[index + 1] ?? ''] as const] : []));
}

/** Numbers the keys of a script; the first two are those of its guard. */
export function createNumbers(first: readonly string[] = [KEYS.head, KEYS.applied]) {
  const all = [...first];
  const numbers = new Map(all.map((key, index) => [key, index + 1]));
  return {
    all: all as readonly string[],
    of(key: string): number {
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, all.push(key));
      return all.length;
    },
  };
}
