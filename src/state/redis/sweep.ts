/** Sweeps what has no end of its own on the server (scale.md §2): a little at a time, by whichever instance is at work. */
import { PRUNE_EVERY } from '../lifetime.ts';
import { dropRecord, loadHeads } from './approvals.ts';
import { dropClaim, loadClaim } from './claims.ts';
import type { RowDraft } from './draft.ts';
import { approvalKeys, KEYS, namespaceKeys } from './keys.ts';
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

function over(draft: RowDraft, key: string): readonly string[] {
  return draft.get({
    name: `over ${key}`,
    commands: [['ZRANGEBYSCORE', key, '-inf', String(draft.now), 'LIMIT', '0', String(SWEEP_BATCH)]],
    parse: ([members]) => members as readonly string[],
  });
}

function sweepCounters(draft: RowDraft, namespace: string): void {
  const names = namespaceKeys(namespace);
  for (const member of over(draft, names.counters)) {
    const end = member.indexOf(':');
    const counter = { unit: member.slice(0, end), id: member.slice(end + 1) } as Parameters<typeof names.counter>[0];
    const score = draft.get({
      name: `score ${member}`,
      commands: [['ZSCORE', names.counters, member]],
      parse: ([text]) => text as string | null,
    });
    draft.require(['ZSCORE', names.counters, member, score ?? false]);
    draft.write('DEL', { key: names.counter(counter) });
    draft.write('ZREM', { key: names.counters }, member);
  }
}

function sweepClaims(draft: RowDraft): void {
  for (const key of over(draft, KEYS.claimsByEnd)) {
    const row = draft.get(loadClaim(key));
    draft.require(['HGET', key, 'token', row?.token ?? false]);
    draft.require(['HGET', key, 'until', row === undefined ? false : String(row.until)]);
    if (row) dropClaim(draft, row.key, key, row);
    else draft.write('ZREM', { key: KEYS.claimsByEnd }, key);
  }
}

function sweepRecords(draft: RowDraft): void {
  for (const id of over(draft, KEYS.keep)) {
    const [head] = draft.get(loadHeads([id]));
    const fields = draft.get({
      name: `fields ${id}`,
      commands: [['HKEYS', approvalKeys(id).record]],
      parse: ([all]) => all as readonly string[],
    });
    if (head) dropRecord(draft, head, fields);
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
    for (const key of oldest) {
      if (total <= maxResults) return;
      const row = draft.get(loadClaim(key));
      total -= row?.resultBytes ?? 0;
      draft.write('HDEL', { key }, 'result', 'resultBytes');
      draft.write('ZREM', { key: KEYS.results }, key);
      draft.write('HINCRBY', { key: KEYS.head }, 'stored', String(-(row?.resultBytes ?? 0)));
    }
  });
}
