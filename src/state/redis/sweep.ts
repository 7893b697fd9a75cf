/** Sweeps what has no end of its own on the server (scale.md §2): a little at a time, by whichever instance is at work. */
import { PRUNE_EVERY } from '../lifetime.ts';
import { dropRecord, loadHeads } from './approvals.ts';
import { dropClaim } from './claims.ts';
import { pairsOf, type RowDraft } from './draft.ts';
import { approvalKeys, counterOf, KEYS, namespaceKeys } from './keys.ts';
import type { RedisPorts } from './ports.ts';

/** One sweep forgets so many of each kind. */
const SWEEP_BATCH = 200;
/** One transaction forgets so many results at most; the next one goes on. */
const BOUND_BATCH = 50;

/** Sweeps once a second at most, beside the calls that ask for it, and not while an earlier sweep lasts. */
export function createSweeper(ports: RedisPorts): { readonly tick: () => Promise<void> } {
  const clock = ports.server.clock ?? (() => performance.now());
  let sweptAt = -Infinity;
  let sweeping: Promise<void> | undefined;
  return {
    async tick() {
      const now = clock();
      if (sweeping || Math.abs(now - sweptAt) < PRUNE_EVERY) return;
      sweptAt = now;
      // One that fails costs nothing: the next one finds the same.
      sweeping = sweep(ports).catch(() => {});
      await sweeping;
      sweeping = undefined;
    },
  };
}

/** Forgets counters, claims and records that nobody needs any more. */
export async function sweep({ transact, namespace }: RedisPorts): Promise<void> {
  await transact((draft) => sweepCounters(draft, namespace));
  await transact((draft) => sweepClaims(draft));
  await transact((draft) => sweepRecords(draft));
}

interface Over {
  readonly member: string;
  readonly score: string;
}

/** Members whose time is over, with it. */
function over(draft: RowDraft, key: string): readonly Over[] {
  return draft.get({
    name: `over ${key}`,
    commands: [['ZRANGEBYSCORE', key, '-inf', String(draft.now), 'WITHSCORES', 'LIMIT', '0', String(SWEEP_BATCH)]],
    parse: ([flat]) => pairsOf(flat as readonly string[]).map(([member, score]) => ({ member, score })),
  });
}

function sweepCounters(draft: RowDraft, namespace: string): void {
  const names = namespaceKeys(namespace);
  for (const { member, score } of over(draft, names.counters)) {
    draft.require(['ZSCORE', names.counters, member, score]);
    draft.write('DEL', { key: names.counter(counterOf(member)) });
    draft.write('ZREM', { key: names.counters }, member);
  }
}

function sweepClaims(draft: RowDraft): void {
  const ended = over(draft, KEYS.claimsByEnd);
  const rows = draft.get({
    name: 'ended claims',
    commands: ended.map(({ member }) => ['HMGET', member, 'key', 'resultBytes']),
    parse: (replies) => replies as readonly (readonly (string | null)[])[],
  });
  for (const [index, { member, score }] of ended.entries()) {
    const [claim, bytes] = rows[index] ?? [];
    // A claim that is renewed, settled or taken anew ends later.
    draft.require(['ZSCORE', KEYS.claimsByEnd, member, score]);
    dropClaim(draft, claim ?? '', member, { resultBytes: bytes ? Number(bytes) : undefined });
  }
}

function sweepRecords(draft: RowDraft): void {
  const ids = over(draft, KEYS.keep).map(({ member }) => member);
  const heads = new Map(draft.get(loadHeads(ids)).map((head) => [head.id, head]));
  const fields = draft.get({
    name: 'fields of records',
    commands: ids.map((id) => ['HKEYS', approvalKeys(id).record]),
    parse: (replies) => replies as readonly (readonly string[])[],
  });
  for (const [index, id] of ids.entries()) {
    const head = heads.get(id);
    if (head) dropRecord(draft, head, fields[index] ?? []);
    else draft.write('ZREM', { key: KEYS.keep }, id);
  }
}

/** Forgets the oldest results until those that are left take no more than they may; their claims stay. */
export async function boundResults({ transact, maxResults }: RedisPorts): Promise<void> {
  await transact((draft) => {
    const stored = draft.get({ name: 'stored', commands: [['HGET', KEYS.head, 'stored']], parse: ([text]) => text as string | null });
    draft.require(['HGET', KEYS.head, 'stored', stored ?? false]);
    let total = Number(stored ?? 0);
    const oldest = draft.get({
      name: 'oldest',
      commands: [['ZRANGE', KEYS.results, '0', String(BOUND_BATCH - 1)]],
      parse: ([keys]) => keys as readonly string[],
    });
    const sizes = draft.get({
      name: 'sizes',
      commands: oldest.map((key) => ['HGET', key, 'resultBytes']),
      parse: (replies) => replies.map(Number),
    });
    for (const [index, key] of oldest.entries()) {
      if (total <= maxResults) return;
      const bytes = sizes[index] ?? 0;
      total -= bytes;
      draft.write('HDEL', { key }, 'result', 'resultBytes');
      draft.write('ZREM', { key: KEYS.results }, key);
      draft.write('HINCRBY', { key: KEYS.head }, 'stored', String(-bytes));
    }
  });
}
