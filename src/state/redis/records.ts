/** The records that people look at and decide, of every namespace (policy.md §9, §12; scale.md §4). */
import { type Approval, type ApprovalEvent, type Approvals, type Delivery, EXPIRED_ARGS, MOST_EVENT_ARGS } from '../../core/approval.ts';
import type { ClaimRecord, Claims } from '../../core/claim.ts';
import type { Records } from '../../core/store.ts';
import { asOf, DELIVERY_LEASE, decideRecord, deliveryId, EXPIRE_BATCH, expireRecords, sequenceOf, stateAt } from '../approvals.ts';
import { resolveClaim } from '../claim.ts';
import { approvalRows, loadHeads, loadOver, parseHead, type ReadRecord, readRecord, recordOf, WHOLE } from './approvals.ts';
import { claimRows, SHOWN_FIELDS, shownClaims } from './claims.ts';
import { pairsOf } from './draft.ts';
import { dueKey, KEYS } from './keys.ts';
import type { RedisPorts } from './ports.ts';

/** Records are read in steps of so many, and so many characters of arguments. */
const STEP = 100;

export function redisRecords(ports: RedisPorts): Records {
  return { approvals: { ...records(ports), ...outbox(ports) }, claims: claims(ports) };
}

function records(ports: RedisPorts): Pick<Approvals, 'list' | 'find' | 'decide' | 'expire' | 'secret' | 'protect'> {
  const { look, change, transact, namespace } = ports;
  return {
    list: (filter) => list(ports, filter),
    async find(id, argsLimit = WHOLE) {
      if (id === '') return [];
      const start = id.startsWith('apr_') ? id : `apr_${id}`;
      const { replies } = await look([['ZRANGEBYLEX', KEYS.ids, `[${start}`, `[${start}~`]]);
      return (await read(ports, replies[0] as readonly string[], argsLimit)).map(({ approval }) => approval);
    },
    async decide(decision) {
      const kind = await change((draft) => decideRecord(decision, approvalRows(draft, namespace), draft.now));
      const [found] = await read(ports, [decision.id], WHOLE);
      return kind === 'unknown' || !found ? { kind: 'unknown' } : { kind, approval: found.approval };
    },
    async expire() {
      const expired: Approval[] = [];
      for (let more = true; more; ) {
        // Asked once a second and seldom answered: what writes nothing keeps no time either.
        if (await transact((draft) => draft.get(loadOver(draft.now, 1)).length === 0)) break;
        const ids = await change((draft) => {
          // All heads in one reading; the rules ask for them one by one.
          draft.requireRecords();
          draft.get(loadHeads(draft.get(loadOver(draft.now, EXPIRE_BATCH))));
          return expireRecords(approvalRows(draft, namespace), draft.now);
        });
        expired.push(...(await read(ports, ids, EXPIRED_ARGS)).map(({ approval }) => approval));
        more = ids.length === EXPIRE_BATCH;
      }
      return expired;
    },
    async secret() {
      const { replies } = await look([['HGET', KEYS.head, 'secret']]);
      return (replies[0] as string | null) ?? undefined;
    },
    protect: (hash) => change((draft) => draft.write('HSET', { key: KEYS.head }, 'secret', hash)),
  };
}

/** Reads records, those that are kept, in the order of their ids. */
async function read({ look }: RedisPorts, ids: readonly string[], argsLimit: number): Promise<readonly ReadRecord[]> {
  const found: ReadRecord[] = [];
  // One by one where arguments come whole: what stands in them may be large.
  const step = argsLimit >= WHOLE ? 1 : STEP;
  for (let at = 0; at < ids.length; at += step) {
    const some = ids.slice(at, at + step);
    const { now, replies } = await look(some.flatMap((id) => readRecord(id, argsLimit)));
    for (const index of some.keys()) {
      const record = recordOf(replies.slice(2 * index, 2 * index + 2), argsLimit);
      if (record) found.push({ ...record, approval: { ...record.approval, state: stateAt(record.approval, now) } });
    }
  }
  return found;
}

async function list(ports: RedisPorts, filter: Parameters<Approvals['list']>[0]): Promise<readonly Approval[]> {
  const { look } = ports;
  const { state, namespace, limit = WHOLE, after, argsLimit = WHOLE } = filter;
  const command = state === 'pending' ? ['ZRANGE', KEYS.age, '0', '-1'] : ['ZREVRANGE', KEYS.age, '0', '-1'];
  const [{ replies }, open] = await Promise.all([look([command]), look([['ZRANGE', KEYS.open, '0', '-1']])]);
  const all = replies[0] as readonly string[];
  const start = after === undefined ? 0 : all.indexOf(after) + 1 || all.length;
  const isOpen = state === 'pending' ? new Set(open.replies[0] as readonly string[]) : undefined;
  const ids = all.slice(start).filter((id) => !isOpen || isOpen.has(id));
  const found: Approval[] = [];
  for (let at = 0; at < ids.length && found.length < limit; at += STEP) {
    const some = ids.slice(at, at + STEP);
    const heads = await look(loadHeads(some).commands);
    const wanted = heads.replies.flatMap((reply) => {
      if (typeof reply !== 'string') return [];
      const head = parseHead(reply);
      const fits = (state === undefined || stateAt(head, heads.now) === state) && (namespace === undefined || head.namespace === namespace);
      return fits ? [head.id] : [];
    });
    found.push(...(await read(ports, wanted.slice(0, limit - found.length), argsLimit)).map(({ approval }) => approval));
  }
  return found;
}

function outbox(ports: RedisPorts): Pick<Approvals, 'newest' | 'events' | 'due' | 'delivered' | 'failed'> {
  const { look, transact } = ports;
  const settle = async (id: string, dueAt: number | undefined) => {
    const sequence = String(sequenceOf(id));
    const [record] = await read(ports, [id.slice(0, -sequence.length - 1)], 0);
    if (!record) return;
    const key = dueKey(record.approval.namespace);
    await transact((draft) => {
      const due = draft.get({ name: 'due', commands: [['ZSCORE', key, sequence]], parse: ([score]) => score as string | null });
      draft.require(['ZSCORE', key, sequence, due ?? false]);
      if (due === null) return;
      if (dueAt === undefined) draft.write('ZREM', { key }, sequence);
      else draft.write('ZADD', { key }, String(dueAt), sequence);
    });
  };
  return {
    async newest() {
      const { replies } = await look([['HGET', KEYS.head, 'events']]);
      return Number(replies[0] ?? 0);
    },
    async events(after, limit, argsLimit = WHOLE) {
      const { replies } = await look([['XRANGE', KEYS.events, `(${after}-0`, '+', 'COUNT', String(limit)]]);
      const found: ApprovalEvent[] = [];
      let budget = MOST_EVENT_ARGS;
      for (const entry of replies[0] as readonly Entry[]) {
        if (budget <= 0) break;
        const event = await eventOf(ports, entry, argsLimit);
        if (!event) continue;
        found.push(event);
        budget -= event.approval.args.length;
      }
      return found;
    },
    due: (_owner, namespace, limit) => takeDue(ports, namespace, limit),
    delivered: (id) => settle(id, undefined),
    failed: settle,
  };
}

/** Takes deliveries that are due, for a minute. */
async function takeDue(ports: RedisPorts, namespace: string, limit: number): Promise<readonly Delivery[]> {
  const key = dueKey(namespace);
  const taken = await ports.transact((draft) => {
    const due = draft.get({
      name: 'due',
      commands: [['ZRANGEBYSCORE', key, '-inf', String(draft.now), 'WITHSCORES', 'LIMIT', '0', String(limit)]],
      parse: ([flat]) => pairsOf(flat as readonly string[]),
    });
    const tries = draft.get({
      name: 'tries',
      commands: due.map(([sequence]) => ['HGET', KEYS.tries, sequence]),
      parse: (replies) => replies.map(Number),
    });
    return due.map(([sequence, score], index) => {
      const next = (tries[index] ?? 0) + 1;
      draft.require(['ZSCORE', key, sequence, score]);
      draft.write('ZADD', { key }, String(draft.now + DELIVERY_LEASE), sequence);
      draft.write('HSET', { key: KEYS.tries }, sequence, String(next));
      return { sequence, tries: next };
    });
  });
  const deliveries: Delivery[] = [];
  for (const { sequence, tries } of [...taken].sort((a, b) => Number(a.sequence) - Number(b.sequence))) {
    const entries = await ports.look([['XRANGE', KEYS.events, `${sequence}-0`, `${sequence}-0`]]);
    const [entry] = entries.replies[0] as readonly Entry[];
    const event = entry && (await eventOf(ports, entry, WHOLE));
    if (event) deliveries.push({ id: deliveryId(event), tries, event });
  }
  return deliveries;
}

type Entry = readonly [id: string, fields: readonly string[]];

async function eventOf(
  ports: RedisPorts,
  [id, [, type, , approval = '', , at]]: Entry,
  argsLimit: number,
): Promise<ApprovalEvent | undefined> {
  const [record] = await read(ports, [approval], argsLimit);
  if (!record) return undefined;
  const kind = type as ApprovalEvent['type'];
  return { sequence: Number(id.split('-')[0]), type: kind, at: Number(at), approval: asOf(kind, record.approval) };
}

function claims(ports: RedisPorts): Claims {
  const { look, change } = ports;
  const readClaims = async (keys: readonly string[]) => {
    const { now, replies } = await look(keys.map((key) => ['HMGET', key, ...SHOWN_FIELDS]));
    return replies.flatMap((reply) => shownClaims(reply as readonly (string | null)[], now));
  };
  return {
    async list({ state, namespace, limit = WHOLE, argsLimit = WHOLE }) {
      const { replies } = await look([['ZREVRANGE', KEYS.claimsByAge, '0', '-1']]);
      const keys = replies[0] as readonly string[];
      const found: ClaimRecord[] = [];
      for (let at = 0; at < keys.length && found.length < limit; at += STEP) {
        const shown = await readClaims(keys.slice(at, at + STEP));
        const fits = shown.filter((claim) => (state ?? claim.state) === claim.state && (namespace ?? claim.namespace) === claim.namespace);
        found.push(...fits.map((claim) => ({ ...claim, args: claim.args.slice(0, argsLimit) })));
      }
      return found.slice(0, limit);
    },
    async resolve(start, verdict, by) {
      if (start === '') return { kind: 'unknown' };
      const { replies } = await look([['ZRANGEBYLEX', KEYS.claimNames, `[${start}`, `[${start}~`]]);
      const keys = (replies[0] as readonly string[]).map((name) => name.slice(name.indexOf(' ') + 1));
      const all = await readClaims(keys);
      const claim = all.find(({ key }) => key === start) ?? all[0];
      if (!claim) return { kind: 'unknown' };
      if (all.length > 1 && claim.key !== start) return { kind: 'ambiguous', claims: all };
      return change((draft) => {
        const rows = claimRows(draft, claim.namespace);
        const seen = rows.claim(claim.key);
        if (!seen || !resolveClaim(seen, verdict, by, rows, draft.now)) return { kind: 'not_unknown', claim };
        if (verdict === 'did_not') return { kind: 'resolved', claim };
        return { kind: 'resolved', claim: { ...claim, state: 'done', until: draft.now + seen.window, resolvedBy: by, args: '' } };
      });
    },
  };
}
