/** The ports by which every part of the store on a server works. */
import { StoreError } from '../../core/store.ts';
import { MAX_RESULTS } from '../claim.ts';
import { type Ids, RANDOM_IDS } from '../ids.ts';
import { checkClock, MARK_STEP } from '../lifetime.ts';
import { COMMIT } from './commit-script.ts';
import { type DraftPorts, type RowDraft, runDraft } from './draft.ts';
import { KEYS } from './keys.ts';
import { checked, type RedisReply } from './link.ts';
import { type Server, type StateServerOptions, UNSURE } from './server.ts';

export interface RedisOptions extends StateServerOptions {
  readonly namespace: string;
  /** Bytes that all stored results may take. */
  readonly maxResults?: number | undefined;
  readonly ids?: Ids | undefined;
}

/** Every part of the store works by these. */
export interface RedisPorts {
  readonly server: Server;
  readonly namespace: string;
  readonly ids: Ids;
  readonly maxResults: number;
  readonly timeoutMs: number;
  /** Runs the shared rules and writes what they decide. */
  transact<T>(work: (draft: RowDraft) => T): Promise<T>;
  /** The same for what counts as a record in time: a clock that is too far behind is refused, and how far it came is kept. */
  change<T>(work: (draft: RowDraft) => T): Promise<T>;
  /** The store's time, and replies to commands that only read. */
  look(commands: readonly (readonly string[])[]): Promise<{ readonly now: number; readonly replies: readonly RedisReply[] }>;
}

/** Collects them over a server. */
export function portsOf(server: Server, { namespace, timeoutMs, ids = RANDOM_IDS, maxResults = MAX_RESULTS }: RedisOptions): RedisPorts {
  const drafts: DraftPorts = {
    read: (commands) => server.read(commands),
    clock: server.clock,
    async commit(keys, conditions, writes) {
      const { reply, isKept } = await server.run(COMMIT, keys, [JSON.stringify(conditions), JSON.stringify(writes)]);
      if (reply[0] === 'again') return 'again';
      if (!isKept) throw new StoreError('too few replicas have what was written; it may or may not stand', { cause: UNSURE });
      return 'done';
    },
  };
  const transact = <T>(work: (draft: RowDraft) => T) => runDraft(drafts, work);
  return {
    ...{ server, namespace, timeoutMs, ids, maxResults, transact },
    change: (work) =>
      transact((draft) => {
        keepTime(draft);
        return work(draft);
      }),
    async look(commands) {
      const [time, ...replies] = (await server.read([['TIME'], ...commands])).map(checked);
      const [seconds, micros] = time as readonly string[];
      return { now: server.clock?.() ?? Number(seconds) * 1000 + Math.floor(Number(micros) / 1000), replies };
    },
  };
}

/** SPEC: policy.md §6: refuses a clock that is too far behind, and writes down how far this one has come. */
function keepTime({ now, newest, write }: RowDraft): void {
  checkClock(now, newest);
  if (now - newest >= MARK_STEP) write('HSET', { key: KEYS.head }, 'newest', String(now));
}
