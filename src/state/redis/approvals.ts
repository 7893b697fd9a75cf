/** Approval records (scale.md §2): what the shared rules read and write of them, and records as people see them. */
import type { Approval, HoldRequest } from '../../core/approval.ts';
import type { ApprovalHead, ApprovalRows } from '../rows.ts';
import type { Load, RowDraft } from './draft.ts';
import { approvalKeys, dueKey, KEYS, recordKeys } from './keys.ts';
import type { RedisReply } from './link.ts';

/** The part of a record that changes, with the names by which indexes find it. */
export interface StoredHead extends ApprovalHead {
  readonly namespace: string;
  readonly fingerprint: string;
  readonly call: string;
  readonly agentKey: HoldRequest['agentKey'];
  readonly agent: string | undefined;
  readonly tool: string;
  readonly notify: boolean;
}

/** The part that does not change, but for the arguments, which have a key of their own. */
type Body = Pick<HoldRequest, 'rule' | 'message' | 'evidence'>;

/** The rows of one namespace; `over` and single records are of all. */
export function approvalRows(draft: RowDraft, namespace: string): ApprovalRows {
  const keys = recordKeys(namespace);
  const changed = new Map<string, StoredHead>();
  const get = <T>(load: Load<T>): T => {
    draft.requireRecords();
    return draft.get(load);
  };
  const headOf = (id: string): StoredHead | undefined => changed.get(id) ?? get(loadHeads([id]))[0];
  const headsIn = (set: string) => headsOf(get(loadMembers(set)));
  const headsOf = (ids: readonly string[]) => get(loadHeads(ids)).map((head) => changed.get(head.id) ?? head);
  const save = (head: StoredHead) => {
    changed.set(head.id, head);
    draft.requireRecords();
    draft.write('HSET', { key: approvalKeys(head.id).record }, 'head', JSON.stringify(head));
    indexHead(draft, head);
  };
  return {
    standing: (fingerprint, now) =>
      headsIn(keys.fingerprint(fingerprint))
        .filter(({ state, expiresAt }) => expiresAt > now && (state === 'pending' || state === 'approved' || state === 'denied'))
        .reverse()
        .sort((a, b) => b.createdAt - a.createdAt),
    countPending: (agentKey, now) => get(loadCount(keys.pending(agentKey), now)),
    countNamed: (agent, now) => get(loadCount(keys.named(agent), now)),
    denials: (agentKey, tool, since, limit) => get(loadDenials(keys.denied(agentKey, tool), since, limit)),
    insertHold({ dedupeWindow: _d, maxPending: _m, args, rule, message, evidence, ...hold }, id, now, keepUntil) {
      const key = approvalKeys(id);
      draft.write('SET', { key: key.args }, args);
      draft.write('HSET', { key: key.record }, 'body', JSON.stringify({ rule, message, evidence } satisfies Body));
      draft.write('place', { key: key.record }, { key: KEYS.age }, id);
      draft.write('ZADD', { key: KEYS.ids }, '0', id);
      save({ ...hold, ...UNDECIDED, namespace, id, createdAt: now, expiresAt: now + hold.timeout, keepUntil });
    },
    head: headOf,
    saveHead(head) {
      const stored = headOf(head.id);
      if (stored) save({ ...stored, ...head });
    },
    siblings(id, now) {
      const head = headOf(id);
      if (!head) return [];
      const all = headsOf(get(loadMembers(recordKeys(head.namespace).call(head.call))));
      return all
        .filter((each) => each.id !== id && each.state === 'pending' && each.expiresAt > now)
        .sort((a, b) => a.createdAt - b.createdAt);
    },
    over: (now, limit) => headsOf(get(loadOver(now, limit))),
    addEvent(type, id, at) {
      const head = headOf(id);
      if (!head) return;
      const due = head.notify ? [{ key: dueKey(head.namespace) }] : [];
      draft.write('event', { key: KEYS.events }, type, id, String(at), { key: approvalKeys(id).record }, ...due);
      draft.write('HINCRBY', { key: KEYS.head }, 'records', '1');
    },
  };
}

const UNDECIDED = {
  state: 'pending',
  decidedAt: undefined,
  decidedBy: undefined,
  reason: undefined,
  attempts: 0,
  consumedAt: undefined,
  token: undefined,
} as const;

/** Writes the indexes that find a record in its state. */
function indexHead(draft: RowDraft, head: StoredHead): void {
  const { id, state } = head;
  const keys = recordKeys(head.namespace);
  const end = String(head.expiresAt);
  draft.write('HINCRBY', { key: KEYS.head }, 'records', '1');
  draft.write('ZADD', { key: KEYS.keep }, String(head.keepUntil), id);
  const isPending = state === 'pending';
  const stands = isPending || state === 'approved' || state === 'denied';
  const isOpen = isPending || state === 'approved';
  set(draft, 'S', keys.fingerprint(head.fingerprint), id, stands);
  set(draft, 'S', keys.call(head.call), id, isPending);
  set(draft, 'Z', keys.pending(head.agentKey), id, isPending, end);
  set(draft, 'Z', keys.named(head.agent), id, isPending, end);
  set(draft, 'Z', KEYS.open, id, isOpen, end);
  if (state === 'denied') draft.write('ZADD', { key: keys.denied(head.agentKey, head.tool) }, String(head.decidedAt), id);
}

function set(draft: RowDraft, kind: 'S' | 'Z', key: string, id: string, isIn: boolean, score?: string): void {
  if (isIn) draft.write(`${kind}ADD`, { key }, ...(score === undefined ? [] : [score]), id);
  else draft.write(`${kind}REM`, { key }, id);
}

/** Removes a record with all that finds it, its events included. */
export function dropRecord(draft: RowDraft, head: StoredHead, fields: readonly string[]): void {
  const { id } = head;
  const keys = recordKeys(head.namespace);
  const key = approvalKeys(id);
  const events = fields.filter((field) => EVENT_FIELD.test(field)).map((field) => field.slice(1));
  draft.requireRecords();
  draft.write('DEL', { key: key.record });
  draft.write('DEL', { key: key.args });
  for (const set of [KEYS.age, KEYS.ids, KEYS.open, KEYS.keep]) draft.write('ZREM', { key: set }, id);
  draft.write('SREM', { key: keys.fingerprint(head.fingerprint) }, id);
  draft.write('SREM', { key: keys.call(head.call) }, id);
  for (const set of [keys.pending(head.agentKey), keys.named(head.agent), keys.denied(head.agentKey, head.tool)])
    draft.write('ZREM', { key: set }, id);
  for (const event of events) {
    draft.write('XDEL', { key: KEYS.events }, `${event}-0`);
    draft.write('ZREM', { key: dueKey(head.namespace) }, event);
    draft.write('HDEL', { key: KEYS.tries }, event);
  }
  draft.write('HINCRBY', { key: KEYS.head }, 'records', '1');
}

const EVENT_FIELD = /^e\d+$/;

export function loadHeads(ids: readonly string[]): Load<readonly StoredHead[]> {
  return {
    name: `heads ${ids.join(' ')}`,
    commands: ids.map((id) => ['HGET', approvalKeys(id).record, 'head']),
    parse: (replies) => replies.flatMap((reply) => (typeof reply === 'string' ? [parseHead(reply)] : [])),
  };
}

/** Reads a head; a member that JSON leaves out is undefined again. */
export function parseHead(text: string): StoredHead {
  const head = JSON.parse(text) as Partial<StoredHead>;
  return { ...UNDECIDED, agent: undefined, ...head } as StoredHead;
}

function loadMembers(key: string): Load<readonly string[]> {
  return { name: `members ${key}`, commands: [['SMEMBERS', key]], parse: ([ids]) => ids as readonly string[] };
}

function loadCount(key: string, now: number): Load<number> {
  return { name: `count ${key}`, commands: [['ZCOUNT', key, `(${now}`, '+inf']], parse: ([count]) => Number(count) };
}

function loadDenials(key: string, since: number, limit: number): Load<readonly number[]> {
  return {
    name: `denials ${key} ${since}`,
    commands: [['ZREVRANGEBYSCORE', key, '+inf', `(${since}`, 'WITHSCORES', 'LIMIT', '0', String(limit)]],
    parse: ([all]) => (all as readonly string[]).filter((_, index) => index % 2 === 1).map(Number),
  };
}

export function loadOver(now: number, limit: number): Load<readonly string[]> {
  return {
    name: `over ${limit}`,
    commands: [['ZRANGEBYSCORE', KEYS.open, '-inf', String(now), 'LIMIT', '0', String(limit)]],
    parse: ([ids]) => ids as readonly string[],
  };
}

/** The commands that read a record as people see it, with so many characters of its arguments. */
export function readRecord(id: string, argsLimit: number): readonly (readonly string[])[] {
  const { record, args } = approvalKeys(id);
  // A character takes four bytes at most.
  const last = argsLimit < WHOLE ? String(Math.max(0, argsLimit * 4 - 1)) : '-1';
  return [
    ['HMGET', record, 'head', 'body', 'place'],
    ['GETRANGE', args, '0', last],
  ];
}

export const WHOLE = 2 ** 31 - 1;

export interface ReadRecord {
  readonly approval: Approval;
  readonly place: number;
}

/** A record from the replies of `readRecord`; undefined where it is not kept. */
export function recordOf([fields, args]: readonly RedisReply[], argsLimit: number): ReadRecord | undefined {
  const [head, body, place] = fields as readonly (string | null)[];
  if (!head || !body) return undefined;
  const { fingerprint: _f, call: _c, agentKey: _a, notify: _n, token: _t, keepUntil: _k, ...shown } = parseHead(head);
  const text = args as string;
  return { approval: { ...shown, ...(JSON.parse(body) as Body), args: text.slice(0, argsLimit) }, place: Number(place) };
}
