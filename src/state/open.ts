/** Turns the location of the state into stores. Only this file knows which kinds of store there are. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { causeOf, remedyOf } from '../core/fault.ts';
import { type Records, type Store, StoreError } from '../core/store.ts';
import type { Movable } from './move.ts';
import type { Address } from './redis/address.ts';
import type { Fence } from './redis/fence.ts';
import type { Reset, StateServer } from './redis/inspect.ts';

/** Commands wait so long for the store, ms: people wait longer than calls do. */
const PATIENCE = 3_000;

export interface StoreOptions {
  readonly namespace: string;
  /** Waits so long for other processes before a `StoreError`, ms. */
  readonly timeoutMs?: number;
  /** Bytes that all stored results may take. */
  readonly maxResults?: number;
  /** Told of what a human should know of a server that keeps the state. */
  readonly warn?: (text: string) => void;
  /** The state holds what may not be lost with a server's restart: approvals and claims. */
  readonly mustLast?: boolean;
}

/** The part of a store that changes nothing. */
export interface StoreReader extends Pick<Store, 'control' | 'instances' | 'counters' | 'read'> {
  readonly approvals: Pick<Records['approvals'], 'list' | 'find'>;
  readonly claims: Pick<Records['claims'], 'list'>;
}

/** A kind of store. */
interface Backend {
  /** Messages call it so: the folder, or an address without its password. */
  readonly name: string;
  /** Folders and files on this machine that must be this user's alone. No agent reaches the folders. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Tells whether a store is there already. Rejects with `StoreError` where this user may not know. */
  isThere(): Promise<boolean>;
  /** Opens the store of a namespace, a new one where there is none. Rejects with `StoreError`. */
  open(options: StoreOptions): Promise<Store & Records>;
  /** Opens the records of every namespace, in a new store where there is none. */
  openRecords(): Promise<Records & Pick<Store, 'close'>>;
  /** Its whole content, to be read or written. */
  readonly content: Movable;
  /** The server that keeps the state, where one does. */
  readonly server: StateServerPort | undefined;
}

/** People ask this of a state server (scale.md §1, §6). Every operation rejects with `StoreError`. */
export interface StateServerPort {
  describe(): Promise<StateServer>;
  setReplicas(count: number): Promise<void>;
  /** The hash of the approver secret, as the store or this host knows it. */
  secret(): Promise<string | undefined>;
  /** Lifts a fence and goes on with what is there; answers with the fence. */
  reset(how: Reset): Promise<Fence | undefined>;
}

/** Where the state is, and how it is reached. */
export interface StateLocation extends Backend {
  /** Reads from the store that is there; undefined where there is none, and none is made. */
  read<T>(namespace: string, work: (store: StoreReader) => Promise<T>): Promise<T | undefined>;
  /** Works with the records that are there; undefined where there are none. */
  withRecords<T>(work: (records: Records) => Promise<T>): Promise<T | undefined>;
}

/** The state in a folder of this machine: one SQLite file, whose code is loaded when it is opened. */
export function stateIn(folder: string): StateLocation {
  const path = join(folder, 'intercept.sqlite');
  const isThere = () => stands(path);
  const open = async ({ namespace, timeoutMs = PATIENCE, maxResults }: StoreOptions) => {
    const { openSqliteStore } = await import('./sqlite/sqlite.ts');
    return openSqliteStore({ path, namespace, clock: Date.now, timeoutMs, ...(maxResults === undefined ? {} : { maxResults }) });
  };
  const fileContent = async () => (await import('./sqlite/sqlite.ts')).movableFile({ path, clock: Date.now, timeoutMs: PATIENCE });
  return locate({
    name: folder,
    folders: [folder],
    files: [path],
    isThere: async () => isThere(),
    open,
    content: {
      dump: async () => (await fileContent()).dump(),
      load: async (state) => (await fileContent()).load(state),
    },
    server: undefined,
    async openRecords() {
      if (!isThere()) return open({ namespace: '' });
      return (await import('./sqlite/sqlite.ts')).openSqliteRecords({ path, clock: Date.now, timeoutMs: PATIENCE });
    },
  });
}

/** A state server, as flags and variables name it. */
export interface ServerSource {
  /** The address, asked anew for each connection: passwords are rotated. */
  readonly address: () => Address;
  readonly tls: { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined };
  /** `user:password` of the Sentinels themselves. */
  readonly sentinelLogin: string | undefined;
  /** The folder of what this host remembers of such stores. */
  readonly folder: string;
}

/** The state on a Redis or Valkey server, whose code is loaded when it is opened (scale.md). Throws `StoreError` where the address is none. */
export function stateAt(source: ServerSource): StateLocation {
  const { shown } = source.address();
  const open = async ({ namespace, timeoutMs = PATIENCE, maxResults, warn, mustLast }: StoreOptions) => {
    const [{ openRedisStore }, { createConnector }, { rememberIn }] = await Promise.all([
      import('./redis/redis.ts'),
      import('./redis/connect.ts'),
      import('./redis/remember.ts'),
    ]);
    const connect = createConnector({ ...source, warn, mustLast });
    return openRedisStore({ connect, memory: rememberIn(source.folder, shown), namespace, timeoutMs, maxResults });
  };
  const inspect = () => import('./redis/inspect.ts');
  const transfer = async () => {
    const [{ openTransfer }, { createConnector }, { rememberIn }] = await Promise.all([
      import('./redis/transfer.ts'),
      import('./redis/connect.ts'),
      import('./redis/remember.ts'),
    ]);
    return openTransfer({ connect: createConnector(source), memory: rememberIn(source.folder, shown), timeoutMs: PATIENCE });
  };
  return locate({
    ...{ name: shown, folders: [], files: [], open, openRecords: () => open({ namespace: '' }) },
    isThere: async () => (await import('./redis/connect.ts')).isStoreAt(source, PATIENCE),
    content: {
      dump: async () => closing(await transfer(), (store) => store.dump()),
      load: async (state) => closing(await transfer(), (store) => store.load(state)),
    },
    server: {
      describe: async () => (await inspect()).describeServer(source, PATIENCE),
      setReplicas: async (count) => (await inspect()).setReplicas(source, count, PATIENCE),
      secret: async () =>
        (await inspect()).knownSecret(source, (await import('./redis/remember.ts')).rememberIn(source.folder, shown), PATIENCE),
      async reset(how) {
        const { rememberIn } = await import('./redis/remember.ts');
        return (await inspect()).resetStore(source, rememberIn(source.folder, shown), how, PATIENCE);
      },
    },
  });
}

/** SECURITY: what may not be looked at is not absent. */
function stands(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    const isClosed = (error as NodeJS.ErrnoException).code === 'EACCES';
    const why = isClosed ? 'this user may not enter its folder, or one on the way to it' : causeOf(error);
    throw new StoreError(`cannot read the state file "${path}": ${why}`, { cause: error, help: remedyOf(error, path) });
  }
}

function locate(backend: Backend): StateLocation {
  return {
    ...backend,
    read: async (namespace, work) => ((await backend.isThere()) ? closing(await backend.open({ namespace }), work) : undefined),
    withRecords: async (work) => ((await backend.isThere()) ? closing(await backend.openRecords(), work) : undefined),
  };
}

async function closing<S extends { close(): Promise<void> }, T>(store: S, work: (store: S) => Promise<T>): Promise<T> {
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
