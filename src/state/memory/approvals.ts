/** Approval records of the memory store: the rows of the shared rules, and the port for people. */
import { type Approval, type ApprovalEvent, type Approvals, EXPIRED_ARGS, type HoldRequest, MOST_EVENT_ARGS } from '../../core/approval.ts';
import { asOf, DELIVERY_LEASE, decideRecord, deliveryId, expireRecords, sequenceOf, stateAt } from '../approvals.ts';
import type { ApprovalHead, ApprovalRows } from '../rows.ts';

/** A record, immutable; the table keeps the newest version of each. */
interface ApprovalRow
  extends ApprovalHead,
    Pick<HoldRequest, 'fingerprint' | 'call' | 'tool' | 'agent' | 'agentKey' | 'rule' | 'message' | 'args' | 'evidence' | 'notify'> {}

interface EventRow {
  readonly sequence: number;
  readonly type: ApprovalEvent['type'];
  readonly approval: string;
  readonly at: number;
  dueAt: number | undefined;
  tries: number;
}

export interface ApprovalTables {
  readonly approvals: Map<string, ApprovalRow>;
  events: EventRow[];
  sequence: number;
  secret: string | undefined;
}

/** The rows that the shared rules read and write. Records stand in the order they were made. */
export function approvalRows(tables: ApprovalTables): ApprovalRows {
  const { approvals } = tables;
  const rows = (test: (row: ApprovalRow) => boolean) => [...approvals.values()].filter(test).sort((a, b) => a.createdAt - b.createdAt);
  return {
    standing: (fingerprint, now) =>
      rows(
        (row) => row.fingerprint === fingerprint && row.expiresAt > now && row.state !== 'consumed' && row.state !== 'expired',
      ).reverse(),
    countPending: (key, now) => rows((row) => row.agentKey === key && row.state === 'pending' && row.expiresAt > now).length,
    countNamed: (agent, now) => rows((row) => row.agent === agent && row.state === 'pending' && row.expiresAt > now).length,
    denials: (key, tool, since, limit) =>
      rows((row) => row.state === 'denied' && row.agentKey === key && row.tool === tool)
        .flatMap(({ decidedAt = 0 }) => (decidedAt > since ? [decidedAt] : []))
        .sort((a, b) => b - a)
        .slice(0, limit),
    insertHold: ({ dedupeWindow: _d, maxPending: _m, ...hold }, id, now, keepUntil) =>
      void approvals.set(id, { ...hold, ...UNDECIDED, id, createdAt: now, expiresAt: now + hold.timeout, keepUntil }),
    head: (id) => approvals.get(id),
    saveHead(head) {
      const row = approvals.get(head.id);
      if (row) approvals.set(head.id, { ...row, ...head });
    },
    siblings(id, now) {
      const call = approvals.get(id)?.call;
      return rows((row) => row.id !== id && row.call === call && row.state === 'pending' && row.expiresAt > now);
    },
    over: (now, limit) =>
      rows((row) => row.expiresAt <= now && (row.state === 'pending' || row.state === 'approved'))
        .sort((a, b) => a.expiresAt - b.expiresAt)
        .slice(0, limit),
    addEvent(type, id, at) {
      const dueAt = approvals.get(id)?.notify ? at : undefined;
      tables.events.push({ sequence: ++tables.sequence, type, approval: id, at, dueAt, tries: 0 });
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

/** Removes records that nobody needs any more, with their events. */
export function pruneApprovals(tables: ApprovalTables, now: number): void {
  for (const [id, row] of tables.approvals) if (row.keepUntil <= now) tables.approvals.delete(id);
  tables.events = tables.events.filter(({ approval }) => tables.approvals.has(approval));
}

/** `look` answers whatever the clock says; `change` refuses one that is too far behind. */
export interface Transact {
  readonly look: <T>(work: (now: number) => T) => Promise<T>;
  readonly change: <T>(work: (now: number) => T) => Promise<T>;
}

/** The port for people. */
export function memoryApprovals(tables: ApprovalTables, namespace: string, { look, change }: Transact): Approvals {
  const rows = approvalRows(tables);
  const shown = (id: string, now: number): readonly Approval[] => {
    const row = tables.approvals.get(id);
    return row ? [approvalOf(row, namespace, now)] : [];
  };
  return {
    list: ({ state, namespace: only = namespace, limit = Infinity, after, argsLimit = Infinity }) =>
      look((now) => {
        if (only !== namespace) return [];
        const all = [...tables.approvals.values()].sort((a, b) => a.createdAt - b.createdAt).map((row) => approvalOf(row, namespace, now));
        const ordered = state === 'pending' ? all : all.reverse();
        const rest = after === undefined ? ordered : ordered.slice(ordered.findIndex(({ id }) => id === after) + 1 || ordered.length);
        const found = rest.filter((approval) => state === undefined || approval.state === state);
        return found.slice(0, limit).map((one) => ({ ...one, args: one.args.slice(0, argsLimit) }));
      }),
    find: (id, argsLimit = Infinity) =>
      look((now) => {
        const found = id === '' ? [] : [...tables.approvals.keys()].filter((known) => startsWith(known, id));
        return found.flatMap((known) => shown(known, now).map((one) => ({ ...one, args: one.args.slice(0, argsLimit) })));
      }),
    decide: (decision) =>
      change((now) => {
        const kind = decideRecord(decision, rows, now);
        const [approval] = shown(decision.id, now);
        return kind === 'unknown' || !approval ? { kind: 'unknown' } : { kind, approval };
      }),
    expire: () =>
      change((now) =>
        expireRecords(rows, now).flatMap((id) => shown(id, now).map((one) => ({ ...one, args: one.args.slice(0, EXPIRED_ARGS) }))),
      ),
    secret: () => look(() => tables.secret),
    protect: (hash) =>
      look(() => {
        tables.secret = hash;
      }),
    ...outbox(tables, namespace, look),
  };
}

function outbox(
  tables: ApprovalTables,
  namespace: string,
  look: Transact['look'],
): Pick<Approvals, 'newest' | 'events' | 'due' | 'delivered' | 'failed'> {
  const eventOf = ({ approval, sequence, type, at }: EventRow): ApprovalEvent[] => {
    const row = tables.approvals.get(approval);
    return row ? [{ sequence, type, at, approval: asOf(type, approvalOf(row, namespace, at)) }] : [];
  };
  const settle = (id: string, dueAt: number | undefined) =>
    look(() => {
      const event = tables.events.find(({ sequence }) => sequence === sequenceOf(id));
      if (event && event.dueAt !== undefined) event.dueAt = dueAt;
    });
  return {
    newest: () => look(() => tables.events.at(-1)?.sequence ?? 0),
    events: (after, limit, argsLimit = Infinity) =>
      look(() => {
        const found = tables.events
          .filter(({ sequence }) => sequence > after)
          .slice(0, limit)
          .flatMap(eventOf)
          .map((event) => ({ ...event, approval: { ...event.approval, args: event.approval.args.slice(0, argsLimit) } }));
        let budget = MOST_EVENT_ARGS;
        return found.filter(({ approval }) => {
          const fits = budget > 0;
          budget -= approval.args.length;
          return fits;
        });
      }),
    due: (_owner, only, limit) =>
      look((now) => {
        if (only !== namespace) return [];
        const due = tables.events.filter(({ dueAt }) => dueAt !== undefined && dueAt <= now).slice(0, limit);
        return due.flatMap((row) => {
          row.dueAt = now + DELIVERY_LEASE;
          row.tries++;
          return eventOf(row).map((event) => ({ id: deliveryId(event), tries: row.tries, event }));
        });
      }),
    delivered: (id) => settle(id, undefined),
    failed: settle,
  };
}

function startsWith(id: string, start: string): boolean {
  return id.startsWith(start) || id.startsWith(`apr_${start}`);
}

function approvalOf(row: ApprovalRow, namespace: string, now: number): Approval {
  const { fingerprint: _f, call: _c, agentKey: _a, notify: _n, token: _t, keepUntil: _k, ...shown } = row;
  return { ...shown, namespace, state: stateAt(row, now) };
}
