/** One store file in a folder of its own, and what the tests of the SQLite file do with it. */
import { afterEach, beforeEach } from 'bun:test';
import { join } from 'node:path';
import { type Records, type Store, StoreError } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { counter, limited, temporaryFolder } from './calls.ts';

export const CALL = limited([counter('c', 'month')], 1_000, 1);
/** What the names of a store's files end with. */
export const ENDS = ['', '-wal', '-shm'];

export interface FileBench {
  readonly folder: string;
  readonly path: string;
  open(path?: string, clock?: () => number, namespace?: string): Promise<Store & Records>;
  /** Makes a file with one committed count, and leaves nothing beside it. */
  closedStore(path: string): Promise<void>;
}

export function useFolder(): FileBench {
  let folder: ReturnType<typeof temporaryFolder>;
  let stores: Store[];
  beforeEach(() => {
    folder = temporaryFolder();
    stores = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    folder.remove();
  });
  const bench: FileBench = {
    get folder() {
      return folder.path;
    },
    get path() {
      return join(folder.path, 'state', 'intercept.sqlite');
    },
    async open(path = bench.path, clock = Date.now, namespace = 'test') {
      const store = await openSqliteStore({ path, namespace, clock, timeoutMs: 250 });
      stores.push(store);
      return store;
    },
    async closedStore(path) {
      const store = await bench.open(path);
      await store.reserve([CALL]);
      await store.close();
    },
  };
  return bench;
}

/** The kind of the verdict on `CALL`, or the message of the `StoreError`. */
export async function outcome(store: Store): Promise<string> {
  return store.reserve([CALL]).then(
    ([verdict]) => verdict?.kind ?? 'nothing',
    (error) => (error instanceof StoreError ? error.message : `not a StoreError: ${error}`),
  );
}

export async function countOf(store: Store): Promise<number | undefined> {
  return (await store.read([counter('c', 'month')]))[0]?.micros;
}

/** Reserves until the answer is this one: the file is looked at once a second. */
export async function until(store: Store, expected: RegExp): Promise<void> {
  await eventually(async () => {
    const last = await outcome(store);
    if (!expected.test(last)) throw new Error(`expected ${expected}, got ${last}`);
  });
}

/** Tries again until it succeeds. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + 5_000; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
